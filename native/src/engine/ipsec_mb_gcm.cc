#include "engine/ipsec_mb_gcm.h"

#if __has_include(<intel-ipsec-mb.h>)

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

#include <new>

#include "engine/ipsec_mb.h"
#include "engine/nonce.h"

namespace isthmus {

namespace {

constexpr size_t kMaxIcvBytes = 16;

// Zero where the transform is none of this file.
int32_t IcvBytes(int encryptionId) {
  switch (encryptionId) {
    case kEncrAesGcm8:
      return 8;
    case kEncrAesGcm12:
      return 12;
    case kEncrAesGcm16:
      return 16;
    default:
      return 0;
  }
}

struct GcmFunctions {
  aes_gcm_pre_t expandKey = nullptr;
  aes_gcm_enc_dec_t encrypt = nullptr;
  aes_gcm_enc_dec_t decrypt = nullptr;
};

GcmFunctions FindFunctions(const IMB_MGR& manager, size_t keyBytes) {
  switch (keyBytes) {
    case 16:
      return {manager.gcm128_pre, manager.gcm128_enc, manager.gcm128_dec};
    case 24:
      return {manager.gcm192_pre, manager.gcm192_enc, manager.gcm192_dec};
    case 32:
      return {manager.gcm256_pre, manager.gcm256_enc, manager.gcm256_dec};
    default:
      return {};
  }
}

class IpsecMbGcm final : public EspCipher {
 public:
  IpsecMbGcm(const GcmFunctions& functions, const CipherRequest& request)
      : EspCipher({.ivBytes = Nonce::kIvBytes, .icvBytes = IcvBytes(request.encryptionId), .alignmentBytes = 4},
                  request.esn),
        functions_(functions),
        nonce_(request.salt) {
    functions_.expandKey(request.key.data(), &key_);
  }

  ~IpsecMbGcm() override {
    OPENSSL_cleanse(&key_, sizeof key_);
    OPENSSL_cleanse(&context_, sizeof context_);
  }

  bool Seal(std::span<uint8_t> packet, uint64_t sequence) override {
    WriteCounterIv(packet.data(), sequence);
    Run(functions_.encrypt, packet, static_cast<uint32_t>(sequence >> 32), Icv(packet));
    return true;
  }

  OpenResult Open(std::span<uint8_t> packet, uint32_t sequenceHigh) override {
    uint8_t tag[kMaxIcvBytes];
    Run(functions_.decrypt, packet, sequenceHigh, tag);
    const bool authentic = CRYPTO_memcmp(tag, Icv(packet), static_cast<size_t>(Layout().icvBytes)) == 0;
    return authentic ? OpenResult::kOk : OpenResult::kIcvMismatch;
  }

 private:
  void Run(aes_gcm_enc_dec_t function, std::span<uint8_t> packet, uint32_t sequenceHigh, uint8_t* tag) {
    const esp::AuthenticatedData data = AdditionalData(packet.data(), sequenceHigh);
    const std::span<const uint8_t> aad = data.Bytes();
    const std::span<uint8_t> payload = Payload(packet);
    function(&key_, &context_, payload.data(), payload.data(), payload.size(), nonce_.For(packet.data()), aad.data(),
             aad.size(), tag, static_cast<uint64_t>(Layout().icvBytes));
  }

  GcmFunctions functions_;
  Nonce nonce_;
  // The header aligns the first only where LINUX is defined; the library needs it everywhere.
  alignas(64) gcm_key_data key_{};
  alignas(16) gcm_context_data context_{};
};

}  // namespace

std::unique_ptr<EspCipher> CreateIpsecMbGcm(const CipherRequest& request) {
  if (IcvBytes(request.encryptionId) == 0 || request.salt.size() != Nonce::kSaltBytes) return nullptr;
  const IMB_MGR* manager = FindIpsecMb().manager;
  if (manager == nullptr) return nullptr;
  const GcmFunctions functions = FindFunctions(*manager, request.key.size());
  if (functions.expandKey == nullptr) return nullptr;
  return std::unique_ptr<EspCipher>(new (std::nothrow) IpsecMbGcm(functions, request));
}

}  // namespace isthmus

#else

namespace isthmus {

std::unique_ptr<EspCipher> CreateIpsecMbGcm(const CipherRequest&) { return nullptr; }

}  // namespace isthmus

#endif
