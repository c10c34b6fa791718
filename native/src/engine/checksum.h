// The Internet checksum (RFC 1071) over packets, and over packets while they are copied.
//
// A running sum is the plain 64-bit sum of 32-bit words as they lie in memory: 2^32 words fit before it could
// carry, 2^16 and 2^32 are 1 in one's complement arithmetic, and the byte order of the words is that of the
// result (RFC 1071 §2 B), so nothing is swapped. Every piece that is added but the last has an even length.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/byte_order.h"

namespace isthmus {

namespace checksum_internal {

using AddFunction = uint64_t (*)(uint64_t sum, const uint8_t* data, size_t length);
using CopyFunction = uint64_t (*)(uint64_t sum, uint8_t* to, const uint8_t* from, size_t length);

// Chosen once for the machine that runs this.
extern const AddFunction kAddLong;
extern const CopyFunction kCopyLong;

// What every machine can do; the tests compare the chosen ones with these.
uint64_t AddPortable(uint64_t sum, const uint8_t* data, size_t length);
uint64_t CopyPortable(uint64_t sum, uint8_t* to, const uint8_t* from, size_t length);

inline constexpr size_t kShortBytes = 64;

// The last 0 … 3 bytes, followed by zeros.
inline uint64_t AddTail(uint64_t sum, const uint8_t* data, size_t length) {
  uint8_t word[4] = {};
  for (size_t i = 0; i < length; i++) word[i] = data[i];
  return sum + LoadRaw<uint32_t>(word);
}

}  // namespace checksum_internal

// Adds `length` bytes to a running sum.
inline uint64_t ChecksumAdd(uint64_t sum, const uint8_t* data, size_t length) {
  if (length >= checksum_internal::kShortBytes) return checksum_internal::kAddLong(sum, data, length);
  for (; length >= 4; data += 4, length -= 4) sum += LoadRaw<uint32_t>(data);
  return length == 0 ? sum : checksum_internal::AddTail(sum, data, length);
}

// Copies `length` bytes and adds them to a running sum. The two ranges do not overlap.
inline uint64_t ChecksumCopy(uint64_t sum, uint8_t* to, const uint8_t* from, size_t length) {
  return checksum_internal::kCopyLong(sum, to, from, length);
}

// A 16-bit number of a header as it would lie in memory, for adding to a sum.
inline uint64_t ChecksumWord16(uint32_t value) {
  uint8_t bytes[2];
  StoreBe16(bytes, value);
  return LoadRaw<uint16_t>(bytes);
}

inline uint64_t ChecksumWord32(uint32_t value) {
  uint8_t bytes[4];
  StoreBe32(bytes, value);
  return LoadRaw<uint32_t>(bytes);
}

// The 16-bit one's complement sum, as it lies in memory. 0 only where every summed word was 0.
inline uint16_t ChecksumFold(uint64_t sum) {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<uint16_t>(sum);
}

// Writes the folded sum, not complemented: what a partial checksum holds.
inline void StoreChecksumSum(uint8_t* to, uint64_t sum) {
  const uint16_t folded = ChecksumFold(sum);
  std::memcpy(to, &folded, sizeof folded);
}

// Writes the complement of the sum: a header's checksum.
inline void StoreChecksum(uint8_t* to, uint64_t sum) {
  const uint16_t complement = static_cast<uint16_t>(~ChecksumFold(sum));
  std::memcpy(to, &complement, sizeof complement);
}

// As StoreChecksum, but 0, which says "no checksum", is sent as all ones (RFC 768).
inline void StoreUdpChecksum(uint8_t* to, uint64_t sum) {
  const uint16_t complement = static_cast<uint16_t>(~ChecksumFold(sum));
  const uint16_t sent = complement == 0 ? 0xffff : complement;
  std::memcpy(to, &sent, sizeof sent);
}

// Addresses and protocol of the pseudo-header; the caller adds the length (RFC 9293 §3.1, RFC 8200 §8.1).
inline uint64_t PseudoHeaderSum(const uint8_t* addresses, size_t addressesBytes, int protocol) {
  return ChecksumAdd(ChecksumWord16(static_cast<uint32_t>(protocol)), addresses, addressesBytes);
}

}  // namespace isthmus
