// Salt of the SA, then IV of the packet: the nonce of an AEAD (RFC 4106 §4, RFC 4309 §4, RFC 7634 §2). Zeroed when
// it goes.
#pragma once

#include <openssl/crypto.h>

#include <cstdint>
#include <cstring>
#include <span>

#include "engine/esp_packet.h"

namespace isthmus {

class Nonce {
 public:
  static constexpr size_t kSaltBytes = 4;
  static constexpr size_t kCcmSaltBytes = 3;
  static constexpr int kIvBytes = 8;

  // `salt` has at most kSaltBytes.
  explicit Nonce(std::span<const uint8_t> salt) : saltBytes_(salt.size()) {
    std::memcpy(bytes_, salt.data(), salt.size());
  }
  ~Nonce() { OPENSSL_cleanse(bytes_, sizeof bytes_); }
  Nonce(const Nonce&) = delete;
  Nonce& operator=(const Nonce&) = delete;

  // Borrowed until the next call.
  const uint8_t* For(const uint8_t* packet) {
    std::memcpy(bytes_ + saltBytes_, packet + esp::kIv, kIvBytes);
    return bytes_;
  }

 private:
  size_t saltBytes_;
  uint8_t bytes_[kSaltBytes + kIvBytes] = {};
};

}  // namespace isthmus
