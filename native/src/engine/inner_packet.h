// What coalescing needs to know of a decrypted packet: where its headers end, which flow it is of, and whether
// it may be joined with its neighbours. Every length that is read from the packet is checked against its row.
#pragma once

#include <cstdint>

namespace isthmus {

struct ParsedPacket {
  uint8_t* bytes;
  int32_t length;
  int32_t networkHeaderLength;
  // Network and transport header.
  int32_t headersLength;
  int32_t payloadLength;
  bool isIpv4;
  bool isTcp;
  // Equal for packets of one flow; packets of different flows may share it.
  uint32_t flowHash;

  uint8_t* Transport() const { return bytes + networkHeaderLength; }
};

// True, and `packet` filled, where the row is one whole TCP or UDP packet: IPv4 without options and not a
// fragment, or IPv6 without extension headers, its lengths those of the row.
bool ParseInnerPacket(uint8_t* bytes, int32_t length, ParsedPacket& packet);

// True where IP version, protocol, addresses and ports are equal.
bool IsSameFlow(const ParsedPacket& a, const ParsedPacket& b);

// True where the packet may start or join a group: it carries payload, nothing but that is said by its flags,
// and its checksums, IPv4's header checksum among them, are valid: those of the packets that the joined one is
// cut into are computed anew, and a damaged packet must not be mended by that.
bool IsJoinable(const ParsedPacket& packet);

}  // namespace isthmus
