// Offsets and constants of the inner headers that the engine cuts and joins.
// RFC 791 §3.1 (IPv4), RFC 8200 §3 (IPv6), RFC 9293 §3.1 (TCP), RFC 768 (UDP).
#pragma once

#include <cstdint>

namespace isthmus {

namespace ipv4 {
inline constexpr int kHeaderBytes = 20;
inline constexpr int kMaxHeaderBytes = 60;
inline constexpr int kTrafficClass = 1;
inline constexpr int kTotalLength = 2;
inline constexpr int kIdentification = 4;
inline constexpr int kFragment = 6;
inline constexpr int kTimeToLive = 8;
inline constexpr int kProtocol = 9;
inline constexpr int kChecksum = 10;
inline constexpr int kAddresses = 12;
inline constexpr int kAddressesBytes = 8;
// In the first byte of kFragment.
inline constexpr uint8_t kReservedAndDontFragment = 0xc0;
inline constexpr uint8_t kDontFragment = 0x40;
// In both bytes of kFragment: more fragments, and the offset.
inline constexpr uint16_t kFragmented = 0x3fff;
}  // namespace ipv4

namespace ipv6 {
inline constexpr int kHeaderBytes = 40;
inline constexpr int kPayloadLength = 4;
inline constexpr int kNextHeader = 6;
inline constexpr int kHopLimit = 7;
inline constexpr int kAddresses = 8;
inline constexpr int kAddressesBytes = 32;
}  // namespace ipv6

namespace tcp {
inline constexpr int kProtocol = 6;
inline constexpr int kHeaderBytes = 20;
inline constexpr int kMaxHeaderBytes = 60;
inline constexpr int kSequence = 4;
inline constexpr int kAcknowledgment = 8;
inline constexpr int kDataOffset = 12;
inline constexpr int kFlags = 13;
inline constexpr int kWindow = 14;
inline constexpr int kChecksum = 16;
inline constexpr int kUrgentPointer = 18;
inline constexpr int kOptions = 20;
inline constexpr uint8_t kFin = 0x01;
inline constexpr uint8_t kPsh = 0x08;
inline constexpr uint8_t kAck = 0x10;
inline constexpr uint8_t kCwr = 0x80;
}  // namespace tcp

namespace udp {
inline constexpr int kProtocol = 17;
inline constexpr int kHeaderBytes = 8;
inline constexpr int kLength = 4;
inline constexpr int kChecksum = 6;
}  // namespace udp

inline constexpr int kMaxIpBytes = 65535;

}  // namespace isthmus
