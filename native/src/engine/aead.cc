#include "engine/aead.h"

#include <openssl/crypto.h>

#include <cstring>
#include <new>
#include <utility>

namespace isthmus {

namespace {

const EVP_CIPHER* FindCipher(int encryptionId, size_t keyBytes) {
  if (encryptionId == kEncrChacha20Poly1305) return keyBytes == 32 ? EVP_chacha20_poly1305() : nullptr;
  if (encryptionId != kEncrAesGcm16) return nullptr;
  switch (keyBytes) {
    case 16:
      return EVP_aes_128_gcm();
    case 24:
      return EVP_aes_192_gcm();
    case 32:
      return EVP_aes_256_gcm();
    default:
      return nullptr;
  }
}

}  // namespace

Aead::Aead(Context context, std::span<const uint8_t> salt) : context_(std::move(context)), nonce_{} {
  std::memcpy(nonce_, salt.data(), kSaltBytes);
}

Aead::~Aead() { OPENSSL_cleanse(nonce_, sizeof nonce_); }

std::unique_ptr<Aead> Aead::Create(int encryptionId, std::span<const uint8_t> key,
                                   std::span<const uint8_t> salt, Direction direction) {
  const EVP_CIPHER* cipher = FindCipher(encryptionId, key.size());
  if (cipher == nullptr || salt.size() != kSaltBytes) return nullptr;
  Context context(EVP_CIPHER_CTX_new());
  if (context == nullptr) return nullptr;
  // Both ciphers have 12 bytes of nonce by default.
  const int encrypt = direction == Direction::kEncrypt ? 1 : 0;
  if (EVP_CipherInit_ex(context.get(), cipher, nullptr, key.data(), nullptr, encrypt) != 1) return nullptr;
  return std::unique_ptr<Aead>(new (std::nothrow) Aead(std::move(context), salt));
}

bool Aead::Seal(const uint8_t* iv, std::span<const uint8_t> aad, std::span<uint8_t> data, uint8_t* icv) {
  EVP_CIPHER_CTX* context = context_.get();
  std::memcpy(nonce_ + kSaltBytes, iv, kIvBytes);
  const int length = static_cast<int>(data.size());
  int written = 0;
  return EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce_) == 1 &&
         EVP_EncryptUpdate(context, nullptr, &written, aad.data(), static_cast<int>(aad.size())) == 1 &&
         EVP_EncryptUpdate(context, data.data(), &written, data.data(), length) == 1 && written == length &&
         EVP_EncryptFinal_ex(context, data.data() + length, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kIcvBytes, icv) == 1;
}

Aead::OpenResult Aead::Open(const uint8_t* iv, std::span<const uint8_t> aad, std::span<uint8_t> data,
                            const uint8_t* icv) {
  EVP_CIPHER_CTX* context = context_.get();
  std::memcpy(nonce_ + kSaltBytes, iv, kIvBytes);
  const int length = static_cast<int>(data.size());
  int written = 0;
  // OpenSSL only reads the tag here, though the call takes a plain pointer for reading and writing.
  void* tag = const_cast<uint8_t*>(icv);
  const bool decrypted =
      EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce_) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kIcvBytes, tag) == 1 &&
      EVP_DecryptUpdate(context, nullptr, &written, aad.data(), static_cast<int>(aad.size())) == 1 &&
      EVP_DecryptUpdate(context, data.data(), &written, data.data(), length) == 1 && written == length;
  if (!decrypted) return OpenResult::kFailed;
  const bool authentic = EVP_DecryptFinal_ex(context, data.data() + length, &written) == 1;
  return authentic ? OpenResult::kOk : OpenResult::kIcvMismatch;
}

}  // namespace isthmus
