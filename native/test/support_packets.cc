#include "support_packets.h"

#include <algorithm>

namespace isthmus::test {

namespace {

constexpr uint8_t kTcpProtocol = 6;
constexpr uint8_t kUdpProtocol = 17;

void Put16(Bytes& to, uint32_t value) {
  to.push_back(static_cast<uint8_t>(value >> 8));
  to.push_back(static_cast<uint8_t>(value));
}

void Put32(Bytes& to, uint32_t value) {
  Put16(to, value >> 16);
  Put16(to, value);
}

void Append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

void Set16(Bytes& to, size_t offset, uint32_t value) {
  to[offset] = static_cast<uint8_t>(value >> 8);
  to[offset + 1] = static_cast<uint8_t>(value);
}

Bytes Addresses(const PacketFields& fields) {
  if (!fields.ipv6) return {10, 1, 0, fields.host, 10, 2, 0, 9};
  Bytes addresses(32, 0);
  addresses[0] = 0xfd;
  addresses[15] = fields.host;
  addresses[16] = 0xfd;
  addresses[17] = 0x77;
  addresses[31] = 9;
  return addresses;
}

Bytes Transport(const PacketFields& fields) {
  Bytes transport;
  Put16(transport, fields.sourcePort);
  Put16(transport, fields.destinationPort);
  if (fields.tcp) {
    Put32(transport, fields.sequence);
    Put32(transport, fields.acknowledgment);
    transport.push_back(static_cast<uint8_t>((5 + fields.tcpOptions.size() / 4) << 4));
    transport.push_back(fields.tcpFlags);
    Put16(transport, fields.window);
    Put16(transport, 0);
    Put16(transport, fields.urgentPointer);
    Append(transport, fields.tcpOptions);
  } else {
    Put16(transport, static_cast<uint32_t>(8 + fields.payload.size()));
    Put16(transport, 0);
  }
  Append(transport, fields.payload);

  const uint8_t protocol = fields.tcp ? kTcpProtocol : kUdpProtocol;
  const Bytes addresses = Addresses(fields);
  uint32_t sum = NaiveSum(protocol, addresses.data(), addresses.size());
  sum = NaiveSum(sum, transport.data(), transport.size()) + static_cast<uint32_t>(transport.size());
  sum = (sum & 0xffff) + (sum >> 16);
  uint32_t checksum = ~sum & 0xffff;
  if (!fields.tcp && checksum == 0) checksum = 0xffff;
  Set16(transport, fields.tcp ? 16 : 6, checksum);
  return transport;
}

}  // namespace

uint32_t NaiveSum(uint32_t sum, const uint8_t* bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    sum += i % 2 == 0 ? static_cast<uint32_t>(bytes[i]) << 8 : bytes[i];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

int NetworkHeaderLength(const PacketFields& fields) {
  return (fields.ipv6 ? 40 : 20) + static_cast<int>(fields.networkOptions.size());
}

int HeadersLength(const PacketFields& fields) {
  const int transport = fields.tcp ? 20 + static_cast<int>(fields.tcpOptions.size()) : 8;
  return NetworkHeaderLength(fields) + transport;
}

Bytes BuildPacket(const PacketFields& fields) {
  const Bytes transport = Transport(fields);
  const uint8_t protocol = fields.tcp ? kTcpProtocol : kUdpProtocol;
  const size_t options = fields.networkOptions.size();
  Bytes packet;
  if (fields.ipv6) {
    Put32(packet, 0x60000000u | static_cast<uint32_t>(fields.trafficClass) << 20 | 0x12345);
    Put16(packet, static_cast<uint32_t>(options + transport.size()));
    packet.push_back(options == 0 ? protocol : 0);
    packet.push_back(fields.timeToLive);
    Append(packet, Addresses(fields));
    Append(packet, fields.networkOptions);
  } else {
    packet.push_back(static_cast<uint8_t>(0x45 + options / 4));
    packet.push_back(fields.trafficClass);
    Put16(packet, static_cast<uint32_t>(20 + options + transport.size()));
    Put16(packet, fields.identification);
    packet.push_back(fields.fragmentFlags);
    packet.push_back(0);
    packet.push_back(fields.timeToLive);
    packet.push_back(protocol);
    Put16(packet, 0);
    Append(packet, Addresses(fields));
    Append(packet, fields.networkOptions);
    Set16(packet, 10, ~NaiveSum(0, packet.data(), packet.size()) & 0xffff);
  }
  Append(packet, transport);
  return packet;
}

Bytes Pattern(size_t length, uint32_t seed) {
  Bytes bytes(length);
  for (size_t i = 0; i < length; i++) {
    seed = seed * 1664525 + 1013904223;
    bytes[i] = static_cast<uint8_t>(seed >> 24);
  }
  return bytes;
}

std::vector<PacketFields> CutFields(const PacketFields& super, size_t segmentSize) {
  std::vector<PacketFields> cut;
  const size_t total = super.payload.size();
  for (size_t start = 0; start < total; start += segmentSize) {
    const size_t end = std::min(total, start + segmentSize);
    PacketFields segment = super;
    segment.payload.assign(super.payload.begin() + static_cast<ptrdiff_t>(start),
                           super.payload.begin() + static_cast<ptrdiff_t>(end));
    segment.identification = static_cast<uint16_t>(super.identification + cut.size());
    segment.sequence = super.sequence + static_cast<uint32_t>(start);
    if (end != total) segment.tcpFlags &= 0xff - 0x09;
    if (start != 0) segment.tcpFlags &= 0x7f;
    cut.push_back(segment);
  }
  return cut;
}

}  // namespace isthmus::test
