// The rules of joining, one by one, and that cutting gives the packets back.
#include <functional>

#include "support_coalesce.h"
#include "harness.h"

namespace isthmus::test {

namespace {

using Shape = std::vector<int32_t>;

PacketFields First(bool ipv6, bool tcp, size_t payload = 100) {
  PacketFields fields;
  fields.ipv6 = ipv6;
  fields.tcp = tcp;
  fields.payload = Pattern(payload, 5);
  return fields;
}

// The packet that continues `before`.
PacketFields Next(const PacketFields& before) {
  PacketFields next = before;
  next.sequence += static_cast<uint32_t>(before.payload.size());
  next.identification++;
  return next;
}

std::vector<PacketFields> Run(const PacketFields& first, size_t count) {
  std::vector<PacketFields> run = {first};
  while (run.size() < count) run.push_back(Next(run.back()));
  return run;
}

// The shape of three continuing packets after `change` was done to the second and third.
Shape ShapeAfter(const PacketFields& first, const std::function<void(PacketFields&)>& change) {
  std::vector<PacketFields> run = Run(first, 3);
  change(run[1]);
  change(run[2]);
  CoalesceFixture fixture;
  return fixture.Shape(run);
}

// The second packet does not join the first, the third joins the second.
const Shape kSplit = {1, 2};

Shape ShapeOfBytes(const PacketFields& first, const std::function<void(Bytes&)>& change) {
  std::vector<Bytes> packets;
  for (const PacketFields& fields : Run(first, 3)) packets.push_back(BuildPacket(fields));
  change(packets[1]);
  CoalesceFixture fixture;
  Shape shape;
  for (const FrameRead& frame : fixture.Run(packets)) shape.push_back(frame.vectorCount);
  return shape;
}

}  // namespace

TEST(JoinedFramesCutAgainAreTheSamePackets) {
  for (const bool ipv6 : {false, true}) {
    for (const bool tcp : {false, true}) {
      for (const uint8_t dontFragment : {0x00, 0x40}) {
        PacketFields super = First(ipv6, tcp, 5 * 1000 + 77);
        super.fragmentFlags = dontFragment;
        super.identification = 0xfffd;
        super.sequence = 0xfffff000;
        super.tcpFlags = 0x18;
        super.tcpOptions = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
        std::vector<Bytes> packets;
        for (const PacketFields& fields : CutFields(super, 1000)) packets.push_back(BuildPacket(fields));
        CoalesceFixture fixture;
        const std::vector<FrameRead> frames = fixture.Run(packets);
        CHECK(frames.size() == 1 && frames[0].vectorCount == 6);
        CHECK(CutAgain(frames[0]) == packets);
        // The whole is the super-packet but for the transport checksum, which is partial.
        Bytes expected = BuildPacket(super);
        const size_t field = static_cast<size_t>(NetworkHeaderLength(super) + (tcp ? 16 : 6));
        uint32_t sum = NaiveSum(tcp ? 6 : 17, expected.data() + (ipv6 ? 8 : 12), ipv6 ? 32 : 8);
        sum += static_cast<uint32_t>(expected.size()) - static_cast<uint32_t>(NetworkHeaderLength(super));
        sum = (sum & 0xffff) + (sum >> 16);
        expected[field] = static_cast<uint8_t>(sum >> 8);
        expected[field + 1] = static_cast<uint8_t>(sum);
        CHECK(frames[0].bytes == expected);
      }
    }
  }
}

TEST(JoinedFramesSayHowToCutThem) {
  CoalesceFixture fixture;
  const auto headerOf = [&](bool ipv6, bool tcp) {
    std::vector<Bytes> packets;
    for (const PacketFields& fields : Run(First(ipv6, tcp), 2)) packets.push_back(BuildPacket(fields));
    return fixture.Run(packets).at(0);
  };
  const FrameRead tcp4 = headerOf(false, true);
  CHECK(tcp4.flags == 1 && tcp4.gsoType == 1 && tcp4.headerLength == 40 && tcp4.segmentSize == 100);
  CHECK(tcp4.checksumStart == 20 && tcp4.checksumOffset == 16);
  const FrameRead tcp6 = headerOf(true, true);
  CHECK(tcp6.flags == 1 && tcp6.gsoType == 4 && tcp6.headerLength == 60 && tcp6.segmentSize == 100);
  CHECK(tcp6.checksumStart == 40 && tcp6.checksumOffset == 16);
  const FrameRead udp4 = headerOf(false, false);
  CHECK(udp4.flags == 1 && udp4.gsoType == 5 && udp4.headerLength == 28 && udp4.segmentSize == 100);
  CHECK(udp4.checksumStart == 20 && udp4.checksumOffset == 6);
  const FrameRead udp6 = headerOf(true, false);
  CHECK(udp6.gsoType == 5 && udp6.headerLength == 48 && udp6.checksumStart == 40 && udp6.checksumOffset == 6);
}

TEST(SinglePacketsStayAsTheyAre) {
  CoalesceFixture fixture;
  const Bytes packet = BuildPacket(First(false, true));
  const std::vector<FrameRead> frames = fixture.Run({packet, Pattern(50, 1), Bytes{}});
  CHECK(frames.size() == 3);
  for (const FrameRead& frame : frames) {
    CHECK(frame.vectorCount == 1 && frame.flags == 0 && frame.gsoType == 0 && frame.headerLength == 0);
    CHECK(frame.segmentSize == 0 && frame.checksumStart == 0 && frame.checksumOffset == 0);
  }
  CHECK(frames[0].bytes == packet);
  CHECK(frames[1].bytes == Pattern(50, 1));
  CHECK(frames[2].bytes.empty());
}

TEST(DifferentHeadersDoNotJoin) {
  for (const bool tcp : {false, true}) {
    const PacketFields four = First(false, tcp);
    CHECK(ShapeAfter(four, [](PacketFields&) {}) == Shape{3});
    CHECK(ShapeAfter(four, [](PacketFields& p) { p.trafficClass = 0xb8; }) == kSplit);
    CHECK(ShapeAfter(four, [](PacketFields& p) { p.timeToLive = 63; }) == kSplit);
    CHECK(ShapeAfter(four, [](PacketFields& p) { p.fragmentFlags = 0x00; }) == kSplit);
    CHECK(ShapeAfter(four, [](PacketFields& p) { p.fragmentFlags = 0xc0; }) == kSplit);
    const PacketFields six = First(true, tcp);
    CHECK(ShapeAfter(six, [](PacketFields&) {}) == Shape{3});
    CHECK(ShapeAfter(six, [](PacketFields& p) { p.trafficClass = 0xb8; }) == kSplit);
    CHECK(ShapeAfter(six, [](PacketFields& p) { p.timeToLive = 63; }) == kSplit);
  }
  const PacketFields tcp = First(false, true);
  CHECK(ShapeAfter(tcp, [](PacketFields& p) { p.acknowledgment++; }) == kSplit);
  CHECK(ShapeAfter(tcp, [](PacketFields& p) { p.window++; }) == kSplit);
  CHECK(ShapeAfter(tcp, [](PacketFields& p) { p.urgentPointer++; }) == kSplit);
  CHECK(ShapeAfter(tcp, [](PacketFields& p) { p.sequence++; }) == kSplit);
  CHECK(ShapeAfter(tcp, [](PacketFields& p) { p.sequence -= 100; }) == kSplit);
  CHECK(ShapeAfter(tcp, [](PacketFields& p) { p.tcpOptions = {1, 1, 1, 1}; }) == kSplit);
  PacketFields withOptions = tcp;
  withOptions.tcpOptions = {1, 1, 1, 0};
  CHECK(ShapeAfter(withOptions, [](PacketFields& p) { p.tcpOptions[2] = 0; }) == kSplit);
}

TEST(IdentificationMustRiseWhereFragmentationIsAllowed) {
  PacketFields fields = First(false, true);
  fields.fragmentFlags = 0;
  fields.identification = 0xffff;
  CHECK(ShapeAfter(fields, [](PacketFields&) {}) == Shape{3});
  CHECK(ShapeAfter(fields, [](PacketFields& p) { p.identification++; }) == kSplit);
  fields.fragmentFlags = 0x40;
  CHECK(ShapeAfter(fields, [](PacketFields& p) { p.identification = 0; }) == Shape{3});
}

TEST(SequenceNumbersWrap) {
  PacketFields fields = First(false, true);
  fields.sequence = 0xffffffff - 149;
  CoalesceFixture fixture;
  CHECK(fixture.Shape(Run(fields, 4)) == Shape{4});
}

TEST(OnlyAckAndPshMayJoinAndPshEnds) {
  const PacketFields fields = First(false, true);
  for (const uint8_t flags : {0x11, 0x12, 0x14, 0x30, 0x50, 0x90, 0x00, 0x08}) {
    CHECK(ShapeAfter(fields, [&](PacketFields& p) { p.tcpFlags = flags; }) == (Shape{1, 1, 1}));
  }
  // The low bits of the data offset's byte are reserved.
  CHECK(ShapeOfBytes(fields, [](Bytes& packet) {
          packet[32] |= 1;
          packet[36] = static_cast<uint8_t>(packet[36] - 1);
        }) == (Shape{1, 1, 1}));
  std::vector<PacketFields> run = Run(fields, 5);
  run[2].tcpFlags = 0x18;
  CoalesceFixture fixture;
  CHECK(fixture.Shape(run) == (Shape{3, 2}));
  run[0].tcpFlags = 0x18;
  CHECK(fixture.Shape(run) == (Shape{1, 2, 2}));
}

TEST(PshOfTheLastSegmentIsSetInTheJoinedHeader) {
  std::vector<PacketFields> run = Run(First(false, true), 2);
  CoalesceFixture fixture;
  CHECK(fixture.Run({BuildPacket(run[0]), BuildPacket(run[1])}).at(0).bytes.at(33) == 0x10);
  run[1].tcpFlags = 0x18;
  CHECK(fixture.Run({BuildPacket(run[0]), BuildPacket(run[1])}).at(0).bytes.at(33) == 0x18);
}

TEST(AShorterSegmentEndsAndALongerOneStarts) {
  for (const bool tcp : {false, true}) {
    std::vector<PacketFields> run = Run(First(false, tcp), 2);
    run[1].payload.resize(99);
    run.push_back(Next(run[1]));
    run.push_back(Next(run[2]));
    run.push_back(Next(run[3]));
    run[4].payload = Pattern(101, 1);
    CoalesceFixture fixture;
    CHECK(fixture.Shape(run) == (Shape{2, 2, 1}));
  }
}

TEST(EmptyPayloadsAndWrongChecksumsStayAlone) {
  for (const bool ipv6 : {false, true}) {
    for (const bool tcp : {false, true}) {
      const PacketFields fields = First(ipv6, tcp);
      CHECK(ShapeAfter(fields, [](PacketFields& p) { p.payload.clear(); }) == (Shape{1, 1, 1}));
      CHECK(ShapeOfBytes(fields, [](Bytes& packet) { packet.back() ^= 1; }) == (Shape{1, 1, 1}));
    }
    // UDP without a checksum.
    const size_t field = ipv6 ? 46 : 26;
    CHECK(ShapeOfBytes(First(ipv6, false), [&](Bytes& packet) { packet[field] = packet[field + 1] = 0; }) ==
          (Shape{1, 1, 1}));
  }
}

TEST(AWrongIpv4HeaderChecksumKeepsThePacketAsItIs) {
  for (const bool tcp : {false, true}) {
    std::vector<Bytes> packets;
    for (const PacketFields& fields : Run(First(false, tcp), 4)) packets.push_back(BuildPacket(fields));
    // The checksum itself, and an identification that DF makes meaningless.
    for (const size_t damaged : {5, 10, 11}) {
      // As the first of a run, and within it.
      for (const size_t position : {0, 2}) {
        std::vector<Bytes> sent = packets;
        sent[position][damaged] ^= 0x40;
        CoalesceFixture fixture;
        const std::vector<FrameRead> frames = fixture.Run(sent);
        CHECK(frames.size() == (position == 0 ? 2 : 3));
        const FrameRead& alone = frames.at(position == 0 ? 0 : 1);
        CHECK(alone.vectorCount == 1 && alone.flags == 0 && alone.bytes == sent[position]);
      }
    }
  }
}

TEST(WhatIsNotWholeIsNotParsedAndClosesAllGroups) {
  const PacketFields four = First(false, true);
  PacketFields other = four;
  other.host = 2;
  const std::vector<PacketFields> run = Run(four, 2);
  const Bytes packet = BuildPacket(run[0]);
  std::vector<Bytes> odd;
  for (int i = 0; i < 10; i++) odd.push_back(packet);
  odd[0][0] = 0x46;                           // options
  odd[1][6] = 0x20;                           // more fragments
  odd[2][7] = 1;                              // a fragment's offset
  odd[3].push_back(0);                        // longer than its total length
  odd[4].pop_back();                          // shorter
  odd[5][9] = 1;                              // ICMP
  odd[6][32] = 0x40;                          // TCP header of 16 bytes
  odd[7] = BuildPacket(First(true, true));    // IPv6 with an extension header
  odd[7][6] = 0;
  odd[8][0] = 0x55;                           // version 5
  odd[9] = {0x45};
  Bytes longHeader = BuildPacket(four);       // TCP header longer than the packet
  longHeader.resize(44);
  longHeader[3] = 44;
  longHeader[32] = 0xf0;
  odd.push_back(longHeader);
  Bytes udpLength = BuildPacket(First(false, false));
  udpLength[25]--;                            // UDP length shorter than the IP payload
  odd.push_back(udpLength);
  Bytes ipv6Short = BuildPacket(First(true, false));
  ipv6Short.pop_back();
  odd.push_back(ipv6Short);
  CoalesceFixture fixture;
  for (const Bytes& between : odd) {
    const std::vector<FrameRead> frames =
        fixture.Run({BuildPacket(run[0]), BuildPacket(other), between, BuildPacket(run[1])});
    CHECK(frames.size() == 4);
    CHECK(frames.at(2).bytes == between);
  }
}

TEST(ParsedButUnfitClosesOnlyItsOwnFlow) {
  PacketFields a = First(false, true);
  PacketFields b = a;
  b.host = 2;
  PacketFields fin = Next(b);
  fin.tcpFlags = 0x11;
  CoalesceFixture fixture;
  // a b fin(b) a b: the second b does not pass the fin.
  CHECK(fixture.Shape({a, b, fin, Next(a), Next(b)}) == (Shape{2, 1, 1, 1}));
}

TEST(InterleavedFlowsJoinApartAndKeepTheOrderOfTheirFirstPackets) {
  std::vector<PacketFields> packets;
  PacketFields flows[16];
  for (int f = 0; f < 16; f++) {
    flows[f] = First(f % 2 == 1, f % 4 < 2);
    flows[f].host = static_cast<uint8_t>(f / 4);
    flows[f].sourcePort = static_cast<uint16_t>(1000 + f / 8);
  }
  for (int round = 0; round < 3; round++) {
    for (PacketFields& flow : flows) {
      packets.push_back(flow);
      flow = Next(flow);
    }
  }
  CoalesceFixture fixture;
  CHECK(fixture.Shape(packets) == Shape(16, 3));
  std::vector<Bytes> built;
  for (const PacketFields& fields : packets) built.push_back(BuildPacket(fields));
  const std::vector<FrameRead> frames = fixture.Run(built);
  for (size_t f = 0; f < 16; f++) {
    CHECK(CutAgain(frames.at(f)) == (std::vector<Bytes>{built[f], built[16 + f], built[32 + f]}));
  }
}

TEST(TheSeventeenthFlowClosesTheOldest) {
  std::vector<PacketFields> packets;
  for (uint8_t host = 0; host < 17; host++) {
    packets.push_back(First(false, true));
    packets.back().host = host;
  }
  // The second flow is still open, the first is not, and its new group closes the second.
  packets.push_back(Next(packets[1]));
  packets.push_back(Next(packets[0]));
  packets.push_back(Next(packets[17]));
  Shape expected(19, 1);
  expected[1] = 2;
  CoalesceFixture fixture;
  CHECK(fixture.Shape(packets) == expected);
}

TEST(LengthsAndSegmentsHaveLimits) {
  CoalesceFixture fixture;
  // 40 + 46 * 1400 = 64440; one more would be 65840.
  CHECK(fixture.Shape(Run(First(false, true, 1400), 50)) == (Shape{46, 4}));
  // IPv6: the whole packet is counted, 60 + 46 * 1400.
  CHECK(fixture.Shape(Run(First(true, true, 1400), 50)) == (Shape{46, 4}));
  // Exactly 65535: 40 + 5 * 13099.
  CHECK(fixture.Shape(Run(First(false, true, 13099), 6)) == (Shape{5, 1}));
  CHECK(fixture.Shape(Run(First(false, true, 13100), 6)) == (Shape{4, 2}));
  CHECK(fixture.Shape(Run(First(false, false, 10), 150)) == (Shape{64, 64, 22}));
  CHECK(fixture.Shape(Run(First(false, true, 10), 150)) == Shape{150});
}

TEST(CoalescingCanBeSwitchedOffForEach) {
  CoalesceFixture noTcp({.tcp = false, .udp = true});
  CHECK(noTcp.Shape(Run(First(false, true), 3)) == (Shape{1, 1, 1}));
  CHECK(noTcp.Shape(Run(First(false, false), 3)) == Shape{3});
  CoalesceFixture noUdp({.tcp = true, .udp = false});
  CHECK(noUdp.Shape(Run(First(false, false), 3)) == (Shape{1, 1, 1}));
  // What is not joined of one protocol does not part the other's.
  PacketFields tcp = First(false, true);
  CHECK(noUdp.Shape({tcp, First(false, false), Next(tcp)}) == (Shape{2, 1}));
}

TEST(CoalesceRefusesRowsOutsideTheArena) {
  TestMemory memory(4096, 4);
  Coalescer coalescer(memory.Get(), {.tcp = true, .udp = true});
  for (const auto& [offset, length] : std::vector<std::pair<int32_t, int32_t>>{
           {-1, 10}, {0, 4097}, {4096, 1}, {10, -1}, {INT32_MAX, INT32_MAX}, {INT32_MIN, INT32_MIN}}) {
    memory.InnerPacket(1)[inner_packet::kOffset] = offset;
    memory.InnerPacket(1)[inner_packet::kLength] = length;
    int32_t frames = 0;
    const BatchFault fault = coalescer.Coalesce(2, frames);
    CHECK(fault.kind == BatchFaultKind::kDescriptor && fault.row == 1);
  }
}

}  // namespace isthmus::test
