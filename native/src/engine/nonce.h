// Salt of the SA, then IV of the packet: the nonce of an AEAD (RFC 4106 §4, RFC 7634 §2). Zeroed when it goes.
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
  static constexpr int kIvBytes = 8;

  // `salt` has kSaltBytes.
  explicit Nonce(std::span<const uint8_t> salt) { std::memcpy(bytes_, salt.data(), kSaltBytes); }
  ~Nonce() { OPENSSL_cleanse(bytes_, sizeof bytes_); }
  Nonce(const Nonce&) = delete;
  Nonce& operator=(const Nonce&) = delete;

  // Borrowed until the next call.
  const uint8_t* For(const uint8_t* packet) {
    std::memcpy(bytes_ + kSaltBytes, packet + esp::kIv, kIvBytes);
    return bytes_;
  }

 private:
  uint8_t bytes_[kSaltBytes + kIvBytes];
};

}  // namespace isthmus
