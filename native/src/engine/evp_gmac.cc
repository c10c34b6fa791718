#include "engine/evp_gmac.h"

#include <openssl/crypto.h>

#include <cstring>
#include <new>
#include <utility>

#include "engine/evp_cipher_context.h"
#include "engine/nonce.h"

namespace isthmus {

namespace {

constexpr int kIcvBytes = 16;

class EvpGmac final : public EspCipher {
 public:
  EvpGmac(CipherContext context, const CipherRequest& request)
      : EspCipher({.ivBytes = Nonce::kIvBytes, .icvBytes = kIcvBytes, .alignmentBytes = 4}, request.esn),
        context_(std::move(context)),
        nonce_(request.salt) {}

  bool Seal(std::span<uint8_t> packet, uint64_t sequence) override {
    WriteCounterIv(packet.data(), sequence);
    return Authenticate(packet, static_cast<uint32_t>(sequence >> 32), Icv(packet));
  }

  OpenResult Open(std::span<uint8_t> packet, uint32_t sequenceHigh) override {
    uint8_t tag[kIcvBytes];
    if (!Authenticate(packet, sequenceHigh, tag)) return OpenResult::kFailed;
    return CRYPTO_memcmp(tag, Icv(packet), kIcvBytes) == 0 ? OpenResult::kOk : OpenResult::kIcvMismatch;
  }

 private:
  // RFC 4543 §3.3: SPI, the sequence number with all of its bits, the IV, and what would be the ciphertext.
  bool Authenticate(std::span<uint8_t> packet, uint32_t sequenceHigh, uint8_t* tag) {
    const esp::AuthenticatedData data = AdditionalData(packet.data(), sequenceHigh);
    const std::span<const uint8_t> header = data.Bytes();
    const uint8_t* rest = packet.data() + esp::kIv;
    const int restLength = static_cast<int>(Icv(packet) - rest);
    EVP_CIPHER_CTX* context = context_.get();
    uint8_t nothing[1];
    int written = 0;
    return EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce_.For(packet.data())) == 1 &&
           EVP_EncryptUpdate(context, nullptr, &written, header.data(), static_cast<int>(header.size())) == 1 &&
           EVP_EncryptUpdate(context, nullptr, &written, rest, restLength) == 1 &&
           EVP_EncryptFinal_ex(context, nothing, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kIcvBytes, tag) == 1;
  }

  CipherContext context_;
  Nonce nonce_;
};

}  // namespace

std::unique_ptr<EspCipher> CreateEvpGmac(const CipherRequest& request) {
  if (request.encryptionId != kEncrNullAuthAesGmac || request.salt.size() != Nonce::kSaltBytes) return nullptr;
  const EVP_CIPHER* cipher = kAesGcm.ForKey(request.key.size());
  CipherContext context(EVP_CIPHER_CTX_new());
  if (cipher == nullptr || context == nullptr ||
      EVP_EncryptInit_ex(context.get(), cipher, nullptr, request.key.data(), nullptr) != 1) {
    return nullptr;
  }
  return std::unique_ptr<EspCipher>(new (std::nothrow) EvpGmac(std::move(context), request));
}

}  // namespace isthmus
