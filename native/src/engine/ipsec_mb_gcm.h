// AES-GCM (RFC 4106) by Intel's ipsec-mb: one direct call for a packet, no jobs.
#pragma once

#include <memory>

#include "engine/esp_cipher.h"

namespace isthmus {

// Null where the library cannot be used, the transform is another one, or a length is wrong.
std::unique_ptr<EspCipher> CreateIpsecMbGcm(const CipherRequest& request);

}  // namespace isthmus
