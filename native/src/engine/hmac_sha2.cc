// SHA256_Init and its like are deprecated since OpenSSL 3.0 and there in every 3.x.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "engine/hmac_sha2.h"

#include <openssl/crypto.h>

#include <cstring>
#include <new>

#include "engine/esp_cipher.h"
#include "sha2.h"

namespace isthmus {

namespace {

template <typename Hash>
class Hmac final : public HmacSha2 {
 public:
  Hmac() = default;
  ~Hmac() override {
    OPENSSL_cleanse(&inner_, sizeof inner_);
    OPENSSL_cleanse(&outer_, sizeof outer_);
    OPENSSL_cleanse(&work_, sizeof work_);
  }

  bool SetKey(std::span<const uint8_t> key) { return Begin(&inner_, key, 0x36) && Begin(&outer_, key, 0x5c); }

  bool Compute(std::span<const uint8_t> first, std::span<const uint8_t> second, uint8_t* icv) override {
    uint8_t hash[Hash::kHashBytes];
    work_ = inner_;
    if (!Hash::Update(&work_, first.data(), first.size()) || !Hash::Update(&work_, second.data(), second.size()) ||
        !Hash::Final(hash, &work_)) {
      return false;
    }
    work_ = outer_;
    if (!Hash::Update(&work_, hash, sizeof hash) || !Hash::Final(hash, &work_)) return false;
    std::memcpy(icv, hash, IcvBytes());
    return true;
  }

  // RFC 4868 §2.1.2: truncated to half of its bits.
  size_t IcvBytes() const override { return Hash::kHashBytes / 2; }

 private:
  // Hashes the key's block, which begins every message (RFC 2104 §2).
  static bool Begin(typename Hash::State* state, std::span<const uint8_t> key, uint8_t pad) {
    uint8_t block[Hash::kBlockBytes];
    std::memset(block, pad, sizeof block);
    for (size_t i = 0; i < key.size(); i++) block[i] ^= key[i];
    const bool hashed = Hash::Init(state) && Hash::Update(state, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
    return hashed;
  }

  typename Hash::State inner_{};
  typename Hash::State outer_{};
  typename Hash::State work_{};
};

template <typename Hash>
std::unique_ptr<HmacSha2> Create(std::span<const uint8_t> key) {
  if (key.size() != Hash::kHashBytes) return nullptr;
  std::unique_ptr<Hmac<Hash>> hmac(new (std::nothrow) Hmac<Hash>());
  if (hmac == nullptr || !hmac->SetKey(key)) return nullptr;
  return hmac;
}

}  // namespace

std::unique_ptr<HmacSha2> CreateHmacSha2(int integrityId, std::span<const uint8_t> key) {
  switch (integrityId) {
    case kAuthHmacSha2_256_128:
      return Create<Sha256>(key);
    case kAuthHmacSha2_384_192:
      return Create<Sha384>(key);
    case kAuthHmacSha2_512_256:
      return Create<Sha512>(key);
    default:
      return nullptr;
  }
}

}  // namespace isthmus
