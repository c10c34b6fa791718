#include "engine/evp_aead.h"

#include <openssl/evp.h>

#include <new>
#include <utility>

#include "engine/nonce.h"

namespace isthmus {

namespace {

constexpr esp::Layout kLayout = {.ivBytes = Nonce::kIvBytes, .icvBytes = 16, .alignmentBytes = 4};

struct FreeContext {
  // Clears the key schedule too.
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

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

class EvpAead final : public EspCipher {
 public:
  EvpAead(Context context, const CipherRequest& request)
      : EspCipher(kLayout, request.esn), context_(std::move(context)), nonce_(request.salt) {}

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
    return authentic ? OpenResult::kOk : OpenResult::kIcvMismatch;
  }

 private:
  Context context_;
  Nonce nonce_;
};

}  // namespace

std::unique_ptr<EspCipher> CreateEvpAead(const CipherRequest& request) {
  const EVP_CIPHER* cipher = FindCipher(request.encryptionId, request.key.size());
  if (cipher == nullptr || request.salt.size() != Nonce::kSaltBytes) return nullptr;
  Context context(EVP_CIPHER_CTX_new());
  if (context == nullptr) return nullptr;
  // Both ciphers have 12 bytes of nonce by default.
  const int encrypt = request.direction == Direction::kEncrypt ? 1 : 0;
  if (EVP_CipherInit_ex(context.get(), cipher, nullptr, request.key.data(), nullptr, encrypt) != 1) return nullptr;
  return std::unique_ptr<EspCipher>(new (std::nothrow) EvpAead(std::move(context), request));
}

}  // namespace isthmus
