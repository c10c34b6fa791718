// AEAD transforms over OpenSSL's EVP: AES-GCM with each length of ICV (RFC 4106) and ChaCha20-Poly1305 (RFC 7634).
// Built against OpenSSL 3.0 and runs on any later 3.x: the symbols are those of the process.
#pragma once

#include <memory>

#include "engine/esp_cipher.h"

namespace isthmus {

// Null where the transform is not one of these, a length is wrong, or OpenSSL refuses.
std::unique_ptr<EspCipher> CreateEvpAead(const CipherRequest& request);

}  // namespace isthmus
