#include "engine/coalescing.h"

#include <algorithm>
#include <cstring>

#include "engine/byte_order.h"
#include "engine/checksum.h"
#include "engine/ip_header.h"

namespace isthmus {

namespace {

// The kernel's own limit for a UDP super-packet (UDP_MAX_SEGMENTS).
constexpr int32_t kMaxUdpSegments = 64;
// One writev takes 1024 vectors (IOV_MAX), and the virtio-net header is one of them.
constexpr int32_t kMaxTcpSegments = 1023;

// The IP headers differ only in what cutting makes again: length, checksum and the rising identification.
bool HasSameNetworkHeader(const ParsedPacket& first, const ParsedPacket& packet, int32_t segments) {
  const uint8_t* a = first.bytes;
  const uint8_t* b = packet.bytes;
  if (!first.isIpv4) {
    return LoadRaw<uint32_t>(a) == LoadRaw<uint32_t>(b) && a[ipv6::kHopLimit] == b[ipv6::kHopLimit];
  }
  if (a[ipv4::kTrafficClass] != b[ipv4::kTrafficClass] || a[ipv4::kTimeToLive] != b[ipv4::kTimeToLive] ||
      ((a[ipv4::kFragment] ^ b[ipv4::kFragment]) & ipv4::kReservedAndDontFragment) != 0) {
    return false;
  }
  // The identification of an atomic datagram means nothing (RFC 6864 §4.1).
  if ((a[ipv4::kFragment] & ipv4::kDontFragment) != 0) return true;
  const int expected = LoadBe16(a + ipv4::kIdentification) + segments;
  return LoadBe16(b + ipv4::kIdentification) == static_cast<uint16_t>(expected);
}

// The TCP headers differ only in sequence number, PSH and checksum.
bool HasSameTcpHeader(const ParsedPacket& first, const ParsedPacket& packet) {
  if (first.headersLength != packet.headersLength) return false;
  const uint8_t* a = first.Transport();
  const uint8_t* b = packet.Transport();
  const size_t optionsLength =
      static_cast<size_t>(first.headersLength - first.networkHeaderLength - tcp::kHeaderBytes);
  return LoadRaw<uint32_t>(a + tcp::kAcknowledgment) == LoadRaw<uint32_t>(b + tcp::kAcknowledgment) &&
         LoadRaw<uint16_t>(a + tcp::kWindow) == LoadRaw<uint16_t>(b + tcp::kWindow) &&
         LoadRaw<uint16_t>(a + tcp::kUrgentPointer) == LoadRaw<uint16_t>(b + tcp::kUrgentPointer) &&
         std::memcmp(a + tcp::kOptions, b + tcp::kOptions, optionsLength) == 0;
}

bool HasPush(const ParsedPacket& packet) {
  return packet.isTcp && (packet.Transport()[tcp::kFlags] & tcp::kPsh) != 0;
}

// Rewrites the network header for `length` bytes of IP packet.
void WriteNetworkHeader(const ParsedPacket& first, int32_t length) {
  uint8_t* network = first.bytes;
  if (!first.isIpv4) {
    StoreBe16(network + ipv6::kPayloadLength, static_cast<uint32_t>(length - ipv6::kHeaderBytes));
    return;
  }
  StoreBe16(network + ipv4::kTotalLength, static_cast<uint32_t>(length));
  StoreBe16(network + ipv4::kChecksum, 0);
  StoreChecksum(network + ipv4::kChecksum, ChecksumAdd(0, network, ipv4::kHeaderBytes));
}

// Rewrites the transport header; its checksum becomes the pseudo-header sum, to be completed by the kernel.
void WriteTransportHeader(const ParsedPacket& first, int32_t transportLength, bool endsWithPush) {
  uint8_t* transport = first.Transport();
  const int protocol = first.isTcp ? tcp::kProtocol : udp::kProtocol;
  const uint64_t pseudo = first.isIpv4
                              ? PseudoHeaderSum(first.bytes + ipv4::kAddresses, ipv4::kAddressesBytes, protocol)
                              : PseudoHeaderSum(first.bytes + ipv6::kAddresses, ipv6::kAddressesBytes, protocol);
  const uint64_t sum = pseudo + ChecksumWord32(static_cast<uint32_t>(transportLength));
  if (first.isTcp) {
    if (endsWithPush) transport[tcp::kFlags] |= tcp::kPsh;
    StoreChecksumSum(transport + tcp::kChecksum, sum);
  } else {
    StoreBe16(transport + udp::kLength, static_cast<uint32_t>(transportLength));
    StoreChecksumSum(transport + udp::kChecksum, sum);
  }
}

int32_t GsoTypeOf(const ParsedPacket& first) {
  if (!first.isTcp) return gso_type::kUdpL4;
  return first.isIpv4 ? gso_type::kTcp4 : gso_type::kTcp6;
}

}  // namespace

Coalescer::Coalescer(const BatchMemory& memory, CoalescingOptions options)
    : memory_(memory),
      options_(options),
      nextRow_(std::make_unique<int32_t[]>(static_cast<size_t>(memory.innerPackets.rows))) {
  for (int i = 0; i < kMaxOpenGroups; i++) order_[i] = static_cast<uint8_t>(i);
}

int32_t Coalescer::MaxPackets() const {
  return std::min({memory_.innerPackets.rows, memory_.outFrames.rows, memory_.vectors.rows});
}

BatchFault Coalescer::Coalesce(int32_t count, int32_t& frames) {
  frames_ = 0;
  open_ = 0;
  for (int32_t row = 0; row < count; row++) {
    const int32_t* cells = memory_.innerPackets.Row(row);
    const int32_t offset = cells[inner_packet::kOffset];
    const int32_t length = cells[inner_packet::kLength];
    if (!memory_.Contains(offset, length)) return {BatchFaultKind::kDescriptor, row};
    nextRow_[row] = -1;
    ParsedPacket packet;
    if (ParseInnerPacket(memory_.arena + offset, length, packet)) {
      Take(row, packet);
    } else {
      // It could be of any flow, so nothing may pass it.
      CloseAll();
      AddFrame(row);
    }
  }
  CloseAll();
  WriteVectors();
  frames = frames_;
  return {};
}

bool Coalescer::IsWanted(const ParsedPacket& packet) const {
  return (packet.isTcp ? options_.tcp : options_.udp) && IsJoinable(packet);
}

void Coalescer::Take(int32_t row, const ParsedPacket& packet) {
  const int position = FindGroup(packet);
  const bool wanted = IsWanted(packet);
  if (wanted && position >= 0) {
    const Group& group = groups_[order_[position]];
    const uint32_t expected = group.sequence + static_cast<uint32_t>(group.payloadTotal);
    const bool continues =
        packet.isTcp ? group.segments < kMaxTcpSegments &&
                           LoadBe32(packet.Transport() + tcp::kSequence) == expected &&
                           HasSameTcpHeader(group.first, packet)
                     : group.segments < kMaxUdpSegments;
    if (continues && packet.payloadLength <= group.SegmentSize() &&
        group.first.headersLength + group.payloadTotal + packet.payloadLength <= kMaxIpBytes &&
        HasSameNetworkHeader(group.first, packet, group.segments)) {
      JoinGroup(position, row, packet);
      return;
    }
  }
  if (position >= 0) CloseGroup(position);
  if (wanted) {
    StartGroup(row, packet);
  } else {
    AddFrame(row);
  }
}

int Coalescer::FindGroup(const ParsedPacket& packet) const {
  for (int position = open_ - 1; position >= 0; position--) {
    if (hashes_[position] == packet.flowHash && IsSameFlow(groups_[order_[position]].first, packet)) {
      return position;
    }
  }
  return -1;
}

void Coalescer::StartGroup(int32_t row, const ParsedPacket& packet) {
  if (open_ == kMaxOpenGroups) CloseGroup(0);
  const int position = open_++;
  hashes_[position] = packet.flowHash;
  Group& group = groups_[order_[position]];
  group.first = packet;
  group.frame = AddFrame(row);
  group.lastRow = row;
  group.segments = 1;
  group.payloadTotal = packet.payloadLength;
  group.sequence = packet.isTcp ? LoadBe32(packet.Transport() + tcp::kSequence) : 0;
  group.endsWithPush = HasPush(packet);
  if (group.endsWithPush) CloseGroup(position);
}

void Coalescer::JoinGroup(int position, int32_t row, const ParsedPacket& packet) {
  Group& group = groups_[order_[position]];
  nextRow_[group.lastRow] = row;
  group.lastRow = row;
  group.segments++;
  group.payloadTotal += packet.payloadLength;
  group.endsWithPush = HasPush(packet);
  // Only the last segment may be shorter, and what was pushed does not wait.
  if (group.endsWithPush || packet.payloadLength < group.SegmentSize()) CloseGroup(position);
}

void Coalescer::CloseGroup(int position) {
  const uint8_t index = order_[position];
  const Group& group = groups_[index];
  if (group.segments > 1) {
    const ParsedPacket& first = group.first;
    const int32_t length = first.headersLength + group.payloadTotal;
    WriteNetworkHeader(first, length);
    WriteTransportHeader(first, length - first.networkHeaderLength, group.endsWithPush);
    int32_t* row = memory_.outFrames.Row(group.frame);
    row[out_frame::kVectorCount] = group.segments;
    row[out_frame::kFlags] = kNeedsChecksum;
    row[out_frame::kGsoType] = GsoTypeOf(first);
    row[out_frame::kHeaderLength] = first.headersLength;
    row[out_frame::kSegmentSize] = group.SegmentSize();
    row[out_frame::kChecksumStart] = first.networkHeaderLength;
    row[out_frame::kChecksumOffset] = first.isTcp ? tcp::kChecksum : udp::kChecksum;
  }
  open_--;
  for (int i = position; i < open_; i++) {
    order_[i] = order_[i + 1];
    hashes_[i] = hashes_[i + 1];
  }
  order_[open_] = index;
}

void Coalescer::CloseAll() {
  while (open_ > 0) CloseGroup(open_ - 1);
}

int32_t Coalescer::AddFrame(int32_t row) {
  int32_t* cells = memory_.outFrames.Row(frames_);
  std::fill_n(cells, out_frame::kStride, 0);
  // The row of the first packet, until WriteVectors knows where the vectors are.
  cells[out_frame::kFirstVector] = row;
  cells[out_frame::kVectorCount] = 1;
  return frames_++;
}

void Coalescer::WriteVectors() {
  int32_t next = 0;
  for (int32_t frame = 0; frame < frames_; frame++) {
    int32_t* cells = memory_.outFrames.Row(frame);
    int32_t row = cells[out_frame::kFirstVector];
    cells[out_frame::kFirstVector] = next;
    const int32_t headersLength = cells[out_frame::kHeaderLength];
    // The first vector keeps its headers, the others are payload only.
    for (int32_t skip = 0; row >= 0; row = nextRow_[row], skip = headersLength) {
      const int32_t* packet = memory_.innerPackets.Row(row);
      int32_t* cell = memory_.vectors.Row(next++);
      cell[vector::kOffset] = packet[inner_packet::kOffset] + skip;
      cell[vector::kLength] = packet[inner_packet::kLength] - skip;
    }
  }
}

}  // namespace isthmus
