// AES-GMAC (RFC 4543) over OpenSSL's EVP: nothing is encrypted, all of the packet is authenticated.
#pragma once

#include <memory>

#include "engine/esp_cipher.h"

namespace isthmus {

// Null where the transform is another one, a length is wrong, or OpenSSL refuses.
std::unique_ptr<EspCipher> CreateEvpGmac(const CipherRequest& request);

}  // namespace isthmus
