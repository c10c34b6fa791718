// Builds whole packets field by field, with checksums computed in the plainest way: what the tests compare
// the engine's cutting and joining with. Shares no code with the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace isthmus::test {

using Bytes = std::vector<uint8_t>;

struct PacketFields {
  bool ipv6 = false;
  bool tcp = true;
  // Last byte of the source address: one per flow.
  uint8_t host = 1;
  uint16_t sourcePort = 40000;
  uint16_t destinationPort = 5201;
  uint8_t trafficClass = 0;
  uint8_t timeToLive = 64;
  uint16_t identification = 0x1234;
  // First byte of IPv4's fragment field; 0x40 = do not fragment.
  uint8_t fragmentFlags = 0x40;
  // IPv4 options, or an IPv6 hop-by-hop header whose first byte is the transport protocol.
  Bytes networkOptions;
  uint32_t sequence = 1000;
  uint32_t acknowledgment = 77;
  uint8_t tcpFlags = 0x10;
  uint16_t window = 512;
  uint16_t urgentPointer = 0;
  Bytes tcpOptions;
  Bytes payload;
};

// One's complement sum in network order, a word at a time (RFC 1071 §4.1); an odd last byte is a high byte.
uint32_t NaiveSum(uint32_t sum, const uint8_t* bytes, size_t length);

Bytes BuildPacket(const PacketFields& fields);

int NetworkHeaderLength(const PacketFields& fields);
int HeadersLength(const PacketFields& fields);

// `length` bytes that differ from place to place and from seed to seed.
Bytes Pattern(size_t length, uint32_t seed);

// The fields of the packets that cutting the super-packet must give.
std::vector<PacketFields> CutFields(const PacketFields& super, size_t segmentSize);

}  // namespace isthmus::test
