// The shape of an ESP packet (RFC 4303 §2):
// SPI | sequence number | IV | payload of (inner packet | padding | pad length | next header) | ICV.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "engine/byte_order.h"

namespace isthmus {

namespace esp {

inline constexpr int kHeaderBytes = 8;
inline constexpr int kSequence = 4;
inline constexpr int kIv = 8;
inline constexpr int kTrailerBytes = 2;

// What a transform decides about the shape; src/crypto/esp-transform.ts has the same numbers.
struct Layout {
  int32_t ivBytes;
  int32_t icvBytes;
  // Payload, padding and trailer together are a multiple of this power of two (RFC 4303 §2.4).
  int32_t alignmentBytes;

  constexpr int32_t PayloadOffset() const { return kIv + ivBytes; }

  constexpr int32_t ShortestBytes() const { return PayloadOffset() + kTrailerBytes + icvBytes; }

  // Padding bytes behind an inner packet of that length.
  constexpr int64_t PaddingBytes(int64_t innerBytes) const {
    return -(innerBytes + kTrailerBytes) & (alignmentBytes - 1);
  }

  // Length of the ESP packet that carries `innerBytes`.
  constexpr int64_t SealedLength(int64_t innerBytes) const {
    return PayloadOffset() + innerBytes + PaddingBytes(innerBytes) + kTrailerBytes + icvBytes;
  }
};

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
