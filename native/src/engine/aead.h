// One AEAD key in one direction, over OpenSSL's EVP: AES-GCM with a 16-byte ICV (RFC 4106) and
// ChaCha20-Poly1305 (RFC 7634). The key is set once; each packet sets its nonce only.
//
// Built against OpenSSL 3.0 and runs on any later 3.x: the symbols are those of the process. A context is not
// thread-safe. Nonce reuse is not seen here; seal.cc guards it.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace isthmus {

inline constexpr int kSaltBytes = 4;
inline constexpr int kIvBytes = 8;
inline constexpr int kIcvBytes = 16;

// IANA "Transform Type 1 - Encryption Algorithm Transform IDs".
inline constexpr int kEncrAesGcm16 = 20;
inline constexpr int kEncrChacha20Poly1305 = 28;

class Aead {
 public:
  enum class Direction { kEncrypt, kDecrypt };
  enum class OpenResult { kOk, kIcvMismatch, kFailed };

  // Null where the cipher is not known, a length is wrong, or OpenSSL refuses. Key and salt are borrowed.
  static std::unique_ptr<Aead> Create(int encryptionId, std::span<const uint8_t> key,
                                      std::span<const uint8_t> salt, Direction direction);
  ~Aead();
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  // Encrypts in place and writes kIcvBytes at `icv`. False where OpenSSL fails, which is a defect.
  bool Seal(const uint8_t* iv, std::span<const uint8_t> aad, std::span<uint8_t> data, uint8_t* icv);

  // Decrypts in place. The ICV is compared in constant time, by OpenSSL.
  OpenResult Open(const uint8_t* iv, std::span<const uint8_t> aad, std::span<uint8_t> data, const uint8_t* icv);

 private:
  struct FreeContext {
    // Clears the key schedule too.
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

  Aead(Context context, std::span<const uint8_t> salt);

  Context context_;
  // Salt, then the packet's IV (RFC 4106 §4, RFC 7634 §2).
  uint8_t nonce_[kSaltBytes + kIvBytes];
};

}  // namespace isthmus
