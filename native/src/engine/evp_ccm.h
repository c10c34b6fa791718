// AES-CCM (RFC 4309) over OpenSSL's EVP.
#pragma once

#include <memory>

#include "engine/esp_cipher.h"

namespace isthmus {

// Null where the transform is another one, a length is wrong, or OpenSSL refuses.
std::unique_ptr<EspCipher> CreateEvpCcm(const CipherRequest& request);

}  // namespace isthmus
