// Cutting against packets that were built one by one.
#include "engine/segmentation.h"

#include "harness.h"
#include "support_packets.h"

namespace isthmus::test {

namespace {

Bytes Segment(const PacketFields& super, int32_t segmentSize, int32_t segments, int32_t index) {
  const Bytes frame = BuildPacket(super);
  const Segmenter segmenter({.frame = frame.data(),
                             .frameLength = static_cast<int32_t>(frame.size()),
                             .isTcp = super.tcp,
                             .networkHeaderLength = NetworkHeaderLength(super),
                             .headersLength = HeadersLength(super),
                             .segmentSize = segmentSize,
                             .segments = segments});
  Bytes packet(frame.size());
  packet.resize(static_cast<size_t>(segmenter.WriteSegment(index, packet.data())));
  return packet;
}

// Cuts and compares every byte of every segment.
bool CutsRight(const PacketFields& super, size_t segmentSize) {
  const std::vector<PacketFields> expected = CutFields(super, segmentSize);
  for (size_t i = 0; i < expected.size(); i++) {
    const Bytes packet = Segment(super, static_cast<int32_t>(segmentSize), static_cast<int32_t>(expected.size()),
                                 static_cast<int32_t>(i));
    if (packet != BuildPacket(expected[i])) return false;
  }
  return true;
}

PacketFields Super(bool ipv6, bool tcp, size_t payload) {
  PacketFields fields;
  fields.ipv6 = ipv6;
  fields.tcp = tcp;
  fields.payload = Pattern(payload, 3);
  return fields;
}

}  // namespace

TEST(CutsTcpAndUdpOverBothFamilies) {
  for (const bool ipv6 : {false, true}) {
    for (const bool tcp : {false, true}) {
      for (const size_t payload : {1u, 1400u, 1401u, 2800u, 5 * 1400u + 7u, 64000u}) {
        CHECK(CutsRight(Super(ipv6, tcp, payload), 1400));
      }
    }
  }
}

TEST(CutsAtOddSegmentSizesAndTails) {
  for (const bool tcp : {false, true}) {
    for (size_t size = 1; size < 80; size++) CHECK(CutsRight(Super(false, tcp, 3 * size + size / 2), size));
    CHECK(CutsRight(Super(true, tcp, 4099), 1353));
  }
}

TEST(CutsWithOptionsAndExtensionHeaders) {
  PacketFields fields = Super(false, true, 3000);
  fields.tcpOptions = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(CutsRight(fields, 1000));
  fields.tcpOptions = Pattern(40, 4);
  fields.networkOptions = {0x94, 4, 0, 0};
  CHECK(CutsRight(fields, 1000));
  fields.networkOptions = Pattern(40, 5);
  CHECK(CutsRight(fields, 1000));
  fields.ipv6 = true;
  fields.networkOptions = {6, 0, 1, 4, 0, 0, 0, 0};
  CHECK(CutsRight(fields, 1000));
  fields.tcp = false;
  fields.networkOptions[0] = 17;
  CHECK(CutsRight(fields, 1000));
}

TEST(FinAndPshAreOnlyOnTheLastSegmentAndCwrOnlyOnTheFirst) {
  PacketFields fields = Super(false, true, 2500);
  fields.tcpFlags = 0xff;
  CHECK(CutsRight(fields, 1000));
  CHECK(Segment(fields, 1000, 3, 0)[33] == 0xf6);
  CHECK(Segment(fields, 1000, 3, 1)[33] == 0x76);
  CHECK(Segment(fields, 1000, 3, 2)[33] == 0x7f);
}

TEST(IdentificationAndSequenceNumberWrap) {
  PacketFields fields = Super(false, true, 4000);
  fields.identification = 0xfffe;
  fields.sequence = 0xfffffc00;
  CHECK(CutsRight(fields, 1000));
  const Bytes third = Segment(fields, 1000, 4, 2);
  CHECK(third[4] == 0 && third[5] == 0);
}

TEST(UdpChecksumZeroIsSentAsAllOnes) {
  PacketFields fields = Super(false, false, 2);
  // The payload that makes the checksum 0: found by trying all.
  bool found = false;
  for (uint32_t value = 0; value < 0x10000 && !found; value++) {
    fields.payload = {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
    const Bytes expected = BuildPacket(fields);
    found = expected[26] == 0xff && expected[27] == 0xff;
    if (found) CHECK(Segment(fields, 2, 1, 0) == expected);
  }
  CHECK(found);
}

TEST(PartialChecksumOfAWholePacketIsCompleted) {
  for (const bool ipv6 : {false, true}) {
    for (const bool tcp : {false, true}) {
      for (const size_t payload : {0u, 1u, 333u, 1400u}) {
        const PacketFields fields = Super(ipv6, tcp, payload);
        const Bytes expected = BuildPacket(fields);
        Bytes frame = expected;
        const size_t start = static_cast<size_t>(NetworkHeaderLength(fields));
        const size_t offset = tcp ? 16 : 6;
        // The field holds the pseudo-header sum, as the kernel leaves it.
        const size_t addresses = ipv6 ? 8 : 12;
        const size_t transportLength = frame.size() - start;
        uint32_t sum = NaiveSum(tcp ? 6 : 17, frame.data() + addresses, ipv6 ? 32 : 8);
        sum += static_cast<uint32_t>(transportLength);
        sum = (sum & 0xffff) + (sum >> 16);
        frame[start + offset] = static_cast<uint8_t>(sum >> 8);
        frame[start + offset + 1] = static_cast<uint8_t>(sum);
        Bytes packet(frame.size());
        WriteWholePacket(frame.data(), static_cast<int32_t>(frame.size()), static_cast<int32_t>(start),
                         static_cast<int32_t>(offset), packet.data());
        CHECK(packet == expected);
      }
    }
  }
}

TEST(WholePacketWithoutPartialChecksumIsCopied) {
  const Bytes frame = Pattern(777, 8);
  Bytes packet(frame.size());
  WriteWholePacket(frame.data(), 777, -1, 0, packet.data());
  CHECK(packet == frame);
}

}  // namespace isthmus::test
