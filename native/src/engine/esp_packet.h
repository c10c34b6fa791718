// The shape of an ESP packet with a combined-mode cipher (RFC 4303 §2, RFC 4106 §3-5, RFC 7634 §2):
// SPI | sequence number | IV | ciphertext of (inner packet | padding | pad length | next header) | ICV.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "engine/aead.h"
#include "engine/byte_order.h"

namespace isthmus {

namespace esp {

inline constexpr int kHeaderBytes = 8;
inline constexpr int kSequence = 4;
inline constexpr int kIv = 8;
inline constexpr int kCiphertext = kIv + kIvBytes;
inline constexpr int kTrailerBytes = 2;
// Ciphertext ends on a 4-byte boundary (RFC 4303 §2.4); a counter-mode cipher asks for no more.
inline constexpr int kAlignmentBytes = 4;
inline constexpr int kShortestBytes = kCiphertext + kTrailerBytes + kIcvBytes;

// Padding bytes behind an inner packet of that length.
inline constexpr int64_t PaddingBytes(int64_t innerBytes) {
  return -(innerBytes + kTrailerBytes) & (kAlignmentBytes - 1);
}

// Length of the ESP packet that carries `innerBytes`.
inline constexpr int64_t SealedLength(int64_t innerBytes) {
  return kCiphertext + innerBytes + PaddingBytes(innerBytes) + kTrailerBytes + kIcvBytes;
}

// The additional authenticated data: SPI and sequence number, with ESN all 64 bits of it (RFC 4106 §5).
class AuthenticatedData {
 public:
  AuthenticatedData(const uint8_t* packet, bool esn, uint32_t sequenceHigh) : length_(kHeaderBytes) {
    std::memcpy(bytes_, packet, kHeaderBytes);
    if (!esn) return;
    StoreBe32(bytes_ + 4, sequenceHigh);
    std::memcpy(bytes_ + 8, packet + kSequence, 4);
    length_ = kHeaderBytes + 4;
  }

  std::span<const uint8_t> Bytes() const { return {bytes_, length_}; }

 private:
  uint8_t bytes_[kHeaderBytes + 4];
  size_t length_;
};

}  // namespace esp

}  // namespace isthmus
