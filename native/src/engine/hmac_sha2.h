// HMAC-SHA-2 as ESP uses it (RFC 4868): the key is hashed once, each packet begins from that state. Nothing is
// allocated, which is why this is OpenSSL's plain SHA-2 and not its EVP_MAC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace isthmus {

class HmacSha2 {
 public:
  // RFC 4868 §2.1.2: 128, 192 or 256 bits, half of the hash.
  static constexpr size_t kMaxIcvBytes = 32;

  virtual ~HmacSha2() = default;
  HmacSha2(const HmacSha2&) = delete;
  HmacSha2& operator=(const HmacSha2&) = delete;

  // Authenticates one piece behind the other and writes IcvBytes().
  virtual bool Compute(std::span<const uint8_t> first, std::span<const uint8_t> second, uint8_t* icv) = 0;
  virtual size_t IcvBytes() const = 0;

 protected:
  HmacSha2() = default;
};

// Null where the algorithm is not known or the key has not the length of its hash (RFC 4868 §2.1.1).
std::unique_ptr<HmacSha2> CreateHmacSha2(int integrityId, std::span<const uint8_t> key);

}  // namespace isthmus
