#include "engine/encrypt_then_mac.h"

#include <openssl/crypto.h>

#include <new>
#include <utility>

#include "engine/evp_cipher_context.h"
#include "engine/hmac_sha2.h"

namespace isthmus {

namespace {

constexpr int kBlockBytes = 16;
constexpr size_t kIvKeyBytes = 32;

// Contexts that NULL encryption, or the other direction, has not are empty.
struct CbcContexts {
  CipherContext payload;
  // AES-256 under a random key of its own: enciphers the sequence number to the IV.
  CipherContext iv;
};

esp::Layout LayoutOf(const CipherRequest& request, size_t icvBytes) {
  const bool isCbc = request.encryptionId == kEncrAesCbc;
  return {.ivBytes = isCbc ? kBlockBytes : 0,
          .icvBytes = static_cast<int32_t>(icvBytes),
          .alignmentBytes = isCbc ? kBlockBytes : 4};
}

class EncryptThenMac final : public EspCipher {
 public:
  EncryptThenMac(CbcContexts contexts, std::unique_ptr<HmacSha2> hmac, const CipherRequest& request)
      : EspCipher(LayoutOf(request, hmac->IcvBytes()), request.esn),
        contexts_(std::move(contexts)),
        hmac_(std::move(hmac)) {}

  bool Seal(std::span<uint8_t> packet, uint64_t sequence) override {
    if (contexts_.payload != nullptr && (!WriteIv(packet.data(), sequence) || !Crypt(packet))) return false;
    return Authenticate(packet, static_cast<uint32_t>(sequence >> 32), Icv(packet));
  }

  OpenResult Open(std::span<uint8_t> packet, uint32_t sequenceHigh) override {
    uint8_t icv[HmacSha2::kMaxIcvBytes];
    if (!Authenticate(packet, sequenceHigh, icv)) return OpenResult::kFailed;
    if (CRYPTO_memcmp(icv, Icv(packet), static_cast<size_t>(Layout().icvBytes)) != 0) return OpenResult::kIcvMismatch;
    if (contexts_.payload == nullptr) return OpenResult::kOk;
    // Authentic, but no ciphertext of this transform.
    if (Payload(packet).size() % kBlockBytes != 0) return OpenResult::kIcvMismatch;
    return Crypt(packet) ? OpenResult::kOk : OpenResult::kFailed;
  }

 private:
  // RFC 3602 §3 wants IVs that are random and cannot be predicted. A block cipher under a random key gives such,
  // and, its input being a number that never repeats, no IV twice (NIST SP 800-38A, Appendix C).
  bool WriteIv(uint8_t* packet, uint64_t sequence) {
    uint8_t block[kBlockBytes] = {};
    StoreBe32(block + 8, static_cast<uint32_t>(sequence >> 32));
    StoreBe32(block + 12, static_cast<uint32_t>(sequence));
    int written = 0;
    return contexts_.iv != nullptr &&
           EVP_EncryptUpdate(contexts_.iv.get(), packet + esp::kIv, &written, block, kBlockBytes) == 1 &&
           written == kBlockBytes;
  }

  // In the direction that the context was made for.
  bool Crypt(std::span<uint8_t> packet) {
    const std::span<uint8_t> payload = Payload(packet);
    const int length = static_cast<int>(payload.size());
    int written = 0;
    return EVP_CipherInit_ex(contexts_.payload.get(), nullptr, nullptr, nullptr, packet.data() + esp::kIv, -1) == 1 &&
           EVP_CipherUpdate(contexts_.payload.get(), payload.data(), &written, payload.data(), length) == 1 &&
           written == length;
  }

  // RFC 4303 §2.2.1: with ESN the high half of the number is authenticated behind the payload, and not sent.
  bool Authenticate(std::span<uint8_t> packet, uint32_t sequenceHigh, uint8_t* icv) {
    uint8_t high[4];
    StoreBe32(high, sequenceHigh);
    const size_t length = packet.size() - static_cast<size_t>(Layout().icvBytes);
    return hmac_->Compute(packet.first(length), {high, Esn() ? sizeof high : 0}, icv);
  }

  CbcContexts contexts_;
  std::unique_ptr<HmacSha2> hmac_;
};

// Null where OpenSSL refuses.
CipherContext CreateContext(const EVP_CIPHER* cipher, std::span<const uint8_t> key, Direction direction) {
  CipherContext context(EVP_CIPHER_CTX_new());
  const int encrypt = direction == Direction::kEncrypt ? 1 : 0;
  if (cipher == nullptr || context == nullptr ||
      EVP_CipherInit_ex(context.get(), cipher, nullptr, key.data(), nullptr, encrypt) != 1 ||
      EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1) {
    return nullptr;
  }
  return context;
}

// False where a key has the wrong length or OpenSSL refuses.
bool CreateContexts(const CipherRequest& request, CbcContexts& contexts) {
  if (!request.salt.empty()) return false;
  if (request.encryptionId == kEncrNull) return request.key.empty();
  if (request.encryptionId != kEncrAesCbc) return false;
  contexts.payload = CreateContext(kAesCbc.ForKey(request.key.size()), request.key, request.direction);
  if (contexts.payload == nullptr) return false;
  if (request.direction == Direction::kDecrypt) return true;
  if (request.ivKey.size() != kIvKeyBytes) return false;
  contexts.iv = CreateContext(EVP_aes_256_ecb(), request.ivKey, Direction::kEncrypt);
  return contexts.iv != nullptr;
}

}  // namespace

std::unique_ptr<EspCipher> CreateEncryptThenMac(const CipherRequest& request) {
  CbcContexts contexts;
  if (!CreateContexts(request, contexts)) return nullptr;
  std::unique_ptr<HmacSha2> hmac = CreateHmacSha2(request.integrityId, request.integrityKey);
  if (hmac == nullptr) return nullptr;
  return std::unique_ptr<EspCipher>(new (std::nothrow)
                                        EncryptThenMac(std::move(contexts), std::move(hmac), request));
}

}  // namespace isthmus
