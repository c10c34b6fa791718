#include "engine/evp_aead.h"

#include <openssl/err.h>

#include <new>
#include <utility>

#include "engine/evp_cipher_context.h"
#include "engine/nonce.h"

namespace isthmus {

namespace {

// Zero where the transform is none of this file.
int32_t IcvBytes(int encryptionId) {
  switch (encryptionId) {
    case kEncrAesGcm8:
      return 8;
    case kEncrAesGcm12:
      return 12;
    case kEncrAesGcm16:
    case kEncrChacha20Poly1305:
      return 16;
    default:
      return 0;
  }
}

const EVP_CIPHER* FindCipher(int encryptionId, size_t keyBytes) {
  if (encryptionId != kEncrChacha20Poly1305) return kAesGcm.ForKey(keyBytes);
  return keyBytes == 32 ? EVP_chacha20_poly1305() : nullptr;
}

class EvpAead final : public EspCipher {
 public:
  EvpAead(CipherContext context, const CipherRequest& request)
      : EspCipher({.ivBytes = Nonce::kIvBytes, .icvBytes = IcvBytes(request.encryptionId), .alignmentBytes = 4},
                  request.esn),
        context_(std::move(context)),
        nonce_(request.salt) {}

  bool Seal(std::span<uint8_t> packet, uint64_t sequence) override {
    WriteCounterIv(packet.data(), sequence);
    const esp::AuthenticatedData data = AdditionalData(packet.data(), static_cast<uint32_t>(sequence >> 32));
    const std::span<const uint8_t> aad = data.Bytes();
    const std::span<uint8_t> payload = Payload(packet);
    EVP_CIPHER_CTX* context = context_.get();
    const int length = static_cast<int>(payload.size());
    int written = 0;
    return EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce_.For(packet.data())) == 1 &&
           EVP_EncryptUpdate(context, nullptr, &written, aad.data(), static_cast<int>(aad.size())) == 1 &&
           EVP_EncryptUpdate(context, payload.data(), &written, payload.data(), length) == 1 &&
           written == length && EVP_EncryptFinal_ex(context, payload.data() + length, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Layout().icvBytes, Icv(packet)) == 1;
  }

  OpenResult Open(std::span<uint8_t> packet, uint32_t sequenceHigh) override {
    const esp::AuthenticatedData data = AdditionalData(packet.data(), sequenceHigh);
    const std::span<const uint8_t> aad = data.Bytes();
    const std::span<uint8_t> payload = Payload(packet);
    EVP_CIPHER_CTX* context = context_.get();
    const int length = static_cast<int>(payload.size());
    int written = 0;
    const bool decrypted =
        EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce_.For(packet.data())) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Layout().icvBytes, Icv(packet)) == 1 &&
        EVP_DecryptUpdate(context, nullptr, &written, aad.data(), static_cast<int>(aad.size())) == 1 &&
        EVP_DecryptUpdate(context, payload.data(), &written, payload.data(), length) == 1 && written == length;
    if (!decrypted) return OpenResult::kFailed;
    const bool authentic = EVP_DecryptFinal_ex(context, payload.data() + length, &written) == 1;
    if (authentic) return OpenResult::kOk;
    // The queue of errors is the thread's, and Node's own cryptography reads it too.
    ERR_clear_error();
    return OpenResult::kIcvMismatch;
  }

 private:
  CipherContext context_;
  Nonce nonce_;
};

}  // namespace

std::unique_ptr<EspCipher> CreateEvpAead(const CipherRequest& request) {
  if (IcvBytes(request.encryptionId) == 0 || request.salt.size() != Nonce::kSaltBytes) return nullptr;
  const EVP_CIPHER* cipher = FindCipher(request.encryptionId, request.key.size());
  if (cipher == nullptr) return nullptr;
  CipherContext context(EVP_CIPHER_CTX_new());
  if (context == nullptr) return nullptr;
  // Both ciphers have 12 bytes of nonce by default.
  const int encrypt = request.direction == Direction::kEncrypt ? 1 : 0;
  if (EVP_CipherInit_ex(context.get(), cipher, nullptr, request.key.data(), nullptr, encrypt) != 1) return nullptr;
  return std::unique_ptr<EspCipher>(new (std::nothrow) EvpAead(std::move(context), request));
}

}  // namespace isthmus
