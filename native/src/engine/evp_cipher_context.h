// Ownership of an EVP_CIPHER_CTX, and AES of each mode by its key length.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <memory>

namespace isthmus {

struct FreeCipherContext {
  // Clears the key schedule too.
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipherContext>;

// AES-128, -192 and -256 of one mode.
struct AesMode {
  const EVP_CIPHER* (*aes128)();
  const EVP_CIPHER* (*aes192)();
  const EVP_CIPHER* (*aes256)();

  // Null for another key length.
  const EVP_CIPHER* ForKey(size_t keyBytes) const {
    switch (keyBytes) {
      case 16:
        return aes128();
      case 24:
        return aes192();
      case 32:
        return aes256();
      default:
        return nullptr;
    }
  }
};

inline constexpr AesMode kAesGcm = {EVP_aes_128_gcm, EVP_aes_192_gcm, EVP_aes_256_gcm};
inline constexpr AesMode kAesCcm = {EVP_aes_128_ccm, EVP_aes_192_ccm, EVP_aes_256_ccm};
inline constexpr AesMode kAesCbc = {EVP_aes_128_cbc, EVP_aes_192_cbc, EVP_aes_256_cbc};

}  // namespace isthmus
