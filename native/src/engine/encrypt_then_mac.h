// AES-CBC (RFC 3602) or no encryption (RFC 2410), then HMAC-SHA-2 over all of it (RFC 4868, RFC 4303 §3.3.2.1).
// A packet is verified before a byte of it is decrypted, so padding tells an attacker nothing.
#pragma once

#include <memory>

#include "engine/esp_cipher.h"

namespace isthmus {

// Null where the transform is another one or has no integrity, a length is wrong, or OpenSSL refuses.
std::unique_ptr<EspCipher> CreateEncryptThenMac(const CipherRequest& request);

}  // namespace isthmus
