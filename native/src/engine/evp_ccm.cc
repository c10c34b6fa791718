#include "engine/evp_ccm.h"

#include <openssl/err.h>

#include <new>
#include <utility>

#include "engine/evp_cipher_context.h"
#include "engine/nonce.h"

namespace isthmus {

namespace {

// RFC 4309 §4: 3 octets of salt and 8 of IV, so that 4 are left for the length.
constexpr int kNonceBytes = static_cast<int>(Nonce::kCcmSaltBytes) + Nonce::kIvBytes;

// Zero where the transform is none of this file.
int32_t IcvBytes(int encryptionId) {
  switch (encryptionId) {
    case kEncrAesCcm8:
      return 8;
    case kEncrAesCcm12:
      return 12;
    case kEncrAesCcm16:
      return 16;
    default:
      return 0;
  }
}

class EvpCcm final : public EspCipher {
 public:
  EvpCcm(CipherContext context, const CipherRequest& request)
      : EspCipher({.ivBytes = Nonce::kIvBytes, .icvBytes = IcvBytes(request.encryptionId), .alignmentBytes = 4},
                  request.esn),
        context_(std::move(context)),
        nonce_(request.salt) {}

  bool Seal(std::span<uint8_t> packet, uint64_t sequence) override {
    WriteCounterIv(packet.data(), sequence);
    const std::span<uint8_t> payload = Payload(packet);
    EVP_CIPHER_CTX* context = context_.get();
    const int length = static_cast<int>(payload.size());
    int written = 0;
    return EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce_.For(packet.data())) == 1 &&
           Begin(packet, length, static_cast<uint32_t>(sequence >> 32)) &&
           EVP_CipherUpdate(context, payload.data(), &written, payload.data(), length) == 1 && written == length &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Layout().icvBytes, Icv(packet)) == 1;
  }

  OpenResult Open(std::span<uint8_t> packet, uint32_t sequenceHigh) override {
    const std::span<uint8_t> payload = Payload(packet);
    EVP_CIPHER_CTX* context = context_.get();
    const int length = static_cast<int>(payload.size());
    int written = 0;
    if (EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce_.For(packet.data())) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Layout().icvBytes, Icv(packet)) != 1 ||
        !Begin(packet, length, sequenceHigh)) {
      return OpenResult::kFailed;
    }
    // CCM takes the data in one piece and verifies the tag with it.
    const bool authentic =
        EVP_CipherUpdate(context, payload.data(), &written, payload.data(), length) == 1 && written == length;
    if (authentic) return OpenResult::kOk;
    // The queue of errors is the thread's, and Node's own cryptography reads it too.
    ERR_clear_error();
    return OpenResult::kIcvMismatch;
  }

 private:
  // CCM wants to know the length before anything else.
  bool Begin(std::span<uint8_t> packet, int length, uint32_t sequenceHigh) {
    const esp::AuthenticatedData data = AdditionalData(packet.data(), sequenceHigh);
    const std::span<const uint8_t> aad = data.Bytes();
    int written = 0;
    return EVP_CipherUpdate(context_.get(), nullptr, &written, nullptr, length) == 1 &&
           EVP_CipherUpdate(context_.get(), nullptr, &written, aad.data(), static_cast<int>(aad.size())) == 1;
  }

  CipherContext context_;
  Nonce nonce_;
};

}  // namespace

std::unique_ptr<EspCipher> CreateEvpCcm(const CipherRequest& request) {
  const int icvBytes = IcvBytes(request.encryptionId);
  const EVP_CIPHER* cipher = kAesCcm.ForKey(request.key.size());
  if (icvBytes == 0 || cipher == nullptr || request.salt.size() != Nonce::kCcmSaltBytes) return nullptr;
  CipherContext context(EVP_CIPHER_CTX_new());
  const int encrypt = request.direction == Direction::kEncrypt ? 1 : 0;
  if (context == nullptr || EVP_CipherInit_ex(context.get(), cipher, nullptr, nullptr, nullptr, encrypt) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, kNonceBytes, nullptr) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, icvBytes, nullptr) != 1 ||
      EVP_CipherInit_ex(context.get(), nullptr, nullptr, request.key.data(), nullptr, encrypt) != 1) {
    return nullptr;
  }
  return std::unique_ptr<EspCipher>(new (std::nothrow) EvpCcm(std::move(context), request));
}

}  // namespace isthmus
