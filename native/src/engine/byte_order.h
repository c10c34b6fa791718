// Reads and writes of network order at any alignment. Byte order never leaves the functions that use these.
#pragma once

#include <cstdint>
#include <cstring>

namespace isthmus {

inline uint16_t LoadBe16(const uint8_t* from) { return static_cast<uint16_t>(from[0] << 8 | from[1]); }

inline uint32_t LoadBe32(const uint8_t* from) {
  return static_cast<uint32_t>(from[0]) << 24 | static_cast<uint32_t>(from[1]) << 16 |
         static_cast<uint32_t>(from[2]) << 8 | from[3];
}

inline void StoreBe16(uint8_t* to, uint32_t value) {
  to[0] = static_cast<uint8_t>(value >> 8);
  to[1] = static_cast<uint8_t>(value);
}

inline void StoreBe32(uint8_t* to, uint32_t value) {
  to[0] = static_cast<uint8_t>(value >> 24);
  to[1] = static_cast<uint8_t>(value >> 16);
  to[2] = static_cast<uint8_t>(value >> 8);
  to[3] = static_cast<uint8_t>(value);
}

// The bytes as they lie in memory.
template <typename Word>
inline Word LoadRaw(const uint8_t* from) {
  Word value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace isthmus
