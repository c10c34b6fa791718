#include "engine/inner_packet.h"

#include <cstring>

#include "engine/byte_order.h"
#include "engine/checksum.h"
#include "engine/ip_header.h"

namespace isthmus {

namespace {

constexpr uint8_t kIpv4WithoutOptions = 0x45;

// Fills the transport's part; `protocol` is the byte from the IP header.
bool ParseTransport(uint8_t protocol, ParsedPacket& packet) {
  const int32_t available = packet.length - packet.networkHeaderLength;
  const uint8_t* transport = packet.Transport();
  int32_t headerLength = udp::kHeaderBytes;
  if (protocol == tcp::kProtocol) {
    if (available < tcp::kHeaderBytes) return false;
    headerLength = (transport[tcp::kDataOffset] >> 4) * 4;
    if (headerLength < tcp::kHeaderBytes || headerLength > available) return false;
  } else {
    if (protocol != udp::kProtocol || available < udp::kHeaderBytes) return false;
    if (LoadBe16(transport + udp::kLength) != available) return false;
  }
  packet.isTcp = protocol == tcp::kProtocol;
  packet.headersLength = packet.networkHeaderLength + headerLength;
  packet.payloadLength = packet.length - packet.headersLength;
  return true;
}

uint32_t Mix(uint64_t value) {
  // The odd constant is 2^64 divided by the golden ratio.
  return static_cast<uint32_t>((value * 0x9e3779b97f4a7c15) >> 32);
}

uint32_t FlowHash(const ParsedPacket& packet) {
  const uint32_t ports = LoadRaw<uint32_t>(packet.Transport());
  const uint32_t kind = (packet.isIpv4 ? 2u : 0u) | (packet.isTcp ? 1u : 0u);
  uint32_t hash = Mix((static_cast<uint64_t>(kind) << 32) ^ ports);
  if (packet.isIpv4) return hash ^ Mix(LoadRaw<uint64_t>(packet.bytes + ipv4::kAddresses) + hash);
  for (int offset = 0; offset < ipv6::kAddressesBytes; offset += 8) {
    hash ^= Mix(LoadRaw<uint64_t>(packet.bytes + ipv6::kAddresses + offset) + hash);
  }
  return hash;
}

uint64_t TransportSum(const ParsedPacket& packet) {
  const int protocol = packet.isTcp ? tcp::kProtocol : udp::kProtocol;
  const int32_t length = packet.length - packet.networkHeaderLength;
  const uint64_t pseudo = packet.isIpv4
                              ? PseudoHeaderSum(packet.bytes + ipv4::kAddresses, ipv4::kAddressesBytes, protocol)
                              : PseudoHeaderSum(packet.bytes + ipv6::kAddresses, ipv6::kAddressesBytes, protocol);
  return ChecksumAdd(pseudo + ChecksumWord32(static_cast<uint32_t>(length)), packet.Transport(),
                     static_cast<size_t>(length));
}

// IPv6 has no header checksum.
bool HasValidHeaderChecksum(const ParsedPacket& packet) {
  return !packet.isIpv4 || ChecksumFold(ChecksumAdd(0, packet.bytes, ipv4::kHeaderBytes)) == 0xffff;
}

bool HasValidChecksum(const ParsedPacket& packet) { return ChecksumFold(TransportSum(packet)) == 0xffff; }

}  // namespace

bool ParseInnerPacket(uint8_t* bytes, int32_t length, ParsedPacket& packet) {
  if (length < ipv4::kHeaderBytes + udp::kHeaderBytes) return false;
  packet.bytes = bytes;
  packet.length = length;
  uint8_t protocol = 0;
  if (bytes[0] == kIpv4WithoutOptions) {
    if (LoadBe16(bytes + ipv4::kTotalLength) != length) return false;
    if ((LoadBe16(bytes + ipv4::kFragment) & ipv4::kFragmented) != 0) return false;
    packet.isIpv4 = true;
    packet.networkHeaderLength = ipv4::kHeaderBytes;
    protocol = bytes[ipv4::kProtocol];
  } else {
    if (bytes[0] >> 4 != 6 || length < ipv6::kHeaderBytes + udp::kHeaderBytes) return false;
    if (LoadBe16(bytes + ipv6::kPayloadLength) + ipv6::kHeaderBytes != length) return false;
    packet.isIpv4 = false;
    packet.networkHeaderLength = ipv6::kHeaderBytes;
    protocol = bytes[ipv6::kNextHeader];
  }
  if (!ParseTransport(protocol, packet)) return false;
  packet.flowHash = FlowHash(packet);
  return true;
}

bool IsSameFlow(const ParsedPacket& a, const ParsedPacket& b) {
  if (a.isIpv4 != b.isIpv4 || a.isTcp != b.isTcp) return false;
  if (LoadRaw<uint32_t>(a.Transport()) != LoadRaw<uint32_t>(b.Transport())) return false;
  if (a.isIpv4) {
    return LoadRaw<uint64_t>(a.bytes + ipv4::kAddresses) == LoadRaw<uint64_t>(b.bytes + ipv4::kAddresses);
  }
  return std::memcmp(a.bytes + ipv6::kAddresses, b.bytes + ipv6::kAddresses, ipv6::kAddressesBytes) == 0;
}

bool IsJoinable(const ParsedPacket& packet) {
  if (packet.payloadLength == 0) return false;
  const uint8_t* transport = packet.Transport();
  if (packet.isTcp) {
    if ((transport[tcp::kFlags] | tcp::kPsh) != (tcp::kAck | tcp::kPsh)) return false;
    if ((transport[tcp::kDataOffset] & 0x0f) != 0) return false;
  } else if (LoadRaw<uint16_t>(transport + udp::kChecksum) == 0) {
    // Without a checksum there is nothing to vouch for the payload (RFC 768).
    return false;
  }
  return HasValidHeaderChecksum(packet) && HasValidChecksum(packet);
}

}  // namespace isthmus
