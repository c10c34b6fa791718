// Random input, the same in every run: the sanitizers see any step outside a packet, and whatever is joined
// must come apart again as it was.
#include <algorithm>
#include <cstring>

#include "support_ciphers.h"
#include "support_coalesce.h"
#include "engine/open.h"
#include "engine/seal.h"
#include "harness.h"

namespace isthmus::test {

namespace {

PacketFields RandomPacket(std::mt19937& random) {
  PacketFields fields;
  fields.ipv6 = Pick(random, 0, 1) == 1;
  fields.tcp = Pick(random, 0, 2) != 0;
  fields.host = static_cast<uint8_t>(Pick(random, 0, 9));
  fields.fragmentFlags = Pick(random, 0, 1) == 1 ? 0x40 : 0;
  fields.identification = static_cast<uint16_t>(Pick(random, 0, 0xffff));
  fields.sequence = static_cast<uint32_t>(random());
  if (Pick(random, 0, 3) == 0) fields.tcpOptions = Pattern(4 * Pick(random, 1, 10), 1);
  fields.payload = Pattern(Pick(random, 1, 300), static_cast<uint32_t>(random()));
  return fields;
}

// Several flows of continuing packets, shuffled together, some of them damaged.
std::vector<Bytes> RandomTrain(std::mt19937& random) {
  std::vector<Bytes> packets;
  std::vector<PacketFields> flows;
  for (uint32_t i = Pick(random, 1, 20); i > 0; i--) flows.push_back(RandomPacket(random));
  for (uint32_t i = Pick(random, 1, 120); i > 0; i--) {
    PacketFields& flow = flows[Pick(random, 0, static_cast<uint32_t>(flows.size() - 1))];
    if (Pick(random, 0, 20) == 0) flow.payload.resize(Pick(random, 0, 300));
    flow.tcpFlags = Pick(random, 0, 15) == 0 ? 0x18 : 0x10;
    Bytes packet = BuildPacket(flow);
    flow.sequence += static_cast<uint32_t>(flow.payload.size());
    flow.identification++;
    switch (Pick(random, 0, 40)) {
      case 0:
        packet.resize(Pick(random, 0, static_cast<uint32_t>(packet.size())));
        break;
      case 1:
        packet[Pick(random, 0, static_cast<uint32_t>(packet.size() - 1))] ^= static_cast<uint8_t>(random());
        break;
      case 2:
        packet = Pattern(Pick(random, 0, 100), static_cast<uint32_t>(random()));
        break;
      case 3:
        // The network header only.
        packet[Pick(random, 0, 19)] ^= static_cast<uint8_t>(random());
        break;
      default:
        break;
    }
    packets.push_back(packet);
  }
  return packets;
}

// Joining does not keep the identification of an IPv4 packet that must not be fragmented, and its header checksum
// follows. A packet with a damaged header is never joined and keeps every byte.
Bytes Comparable(Bytes packet) {
  if (packet.size() < 20 || packet[0] != 0x45 || (packet[6] & 0x40) == 0) return packet;
  if (NaiveSum(0, packet.data(), 20) != 0xffff) return packet;
  packet[4] = packet[5] = packet[10] = packet[11] = 0;
  const uint32_t checksum = ~NaiveSum(0, packet.data(), 20) & 0xffff;
  packet[10] = static_cast<uint8_t>(checksum >> 8);
  packet[11] = static_cast<uint8_t>(checksum);
  return packet;
}

int32_t Extreme(std::mt19937& random) {
  const int32_t values[] = {INT32_MIN, -1, 0, 1, 6, 8, 16, 20, 28, 40, 60, 100, 1000, 4000, 8191, 8192, INT32_MAX};
  return values[Pick(random, 0, std::size(values) - 1)];
}

}  // namespace

TEST(RandomTrainsComeApartAsTheyWere) {
  auto random = MakeRandom(2);
  CoalesceFixture fixture;
  size_t joined = 0;
  for (int round = 0; round < 1500; round++) {
    const std::vector<Bytes> packets = RandomTrain(random);
    std::vector<Bytes> expected;
    for (const Bytes& packet : packets) expected.push_back(Comparable(packet));
    std::vector<Bytes> actual;
    for (const FrameRead& frame : fixture.Run(packets)) {
      if (frame.vectorCount > 1) joined++;
      CHECK(frame.bytes.size() <= 65535);
      for (const Bytes& packet : CutAgain(frame)) actual.push_back(Comparable(packet));
    }
    // Frames of several flows pass each other, so the packets are compared as a set.
    std::sort(expected.begin(), expected.end());
    std::sort(actual.begin(), actual.end());
    CHECK(actual == expected);
  }
  CHECK(joined > 1000);
}

TEST(RandomBytesAndRowsDoNotLeadCoalescingOutside) {
  auto random = MakeRandom(3);
  TestMemory memory(8192, 64);
  Coalescer coalescer(memory.Get(), {.tcp = true, .udp = true});
  for (int round = 0; round < 4000; round++) {
    // Overlapping rows over bytes that look like packets: one's headers change under the other.
    const Bytes noise = Pattern(8192, static_cast<uint32_t>(random()));
    std::memcpy(memory.Arena(), noise.data(), noise.size());
    for (int32_t row = 0; row < 64; row++) {
      const Bytes packet = BuildPacket(RandomPacket(random));
      const int32_t offset = static_cast<int32_t>(Pick(random, 0, 8192 - static_cast<uint32_t>(packet.size())));
      std::memcpy(memory.Arena() + offset, packet.data(), packet.size());
      memory.InnerPacket(row)[inner_packet::kOffset] = offset;
      memory.InnerPacket(row)[inner_packet::kLength] = static_cast<int32_t>(packet.size());
    }
    if (round % 4 == 0) {
      memory.InnerPacket(40)[inner_packet::kOffset] = Extreme(random);
      memory.InnerPacket(40)[inner_packet::kLength] = Extreme(random);
    }
    int32_t frames = 0;
    if (coalescer.Coalesce(64, frames)) continue;
    int32_t vectors = 0;
    for (int32_t i = 0; i < frames; i++) vectors += memory.OutFrame(i)[out_frame::kVectorCount];
    CHECK(vectors == 64);
    for (int32_t i = 0; i < vectors; i++) {
      CHECK(memory.Get().Contains(memory.VectorRow(i)[vector::kOffset], memory.VectorRow(i)[vector::kLength]));
    }
  }
}

TEST(RandomSealRowsAreRefusedOrStayInside) {
  auto random = MakeRandom(4);
  TestMemory memory(8192, 1);
  SaTable table;
  const std::vector<Variant>& variants = Variants();
  const uint32_t last = static_cast<uint32_t>(variants.size()) - 1;
  size_t sealed = 0;
  for (int round = 0; round < 100000; round++) {
    if (round % 500 == 0) {
      table.InstallOutbound(0, {.cipher = MakeCipher(variants[Pick(random, 0, last)], Direction::kEncrypt, true),
                                .spi = 1,
                                .esn = true});
      table.Grant(0, 0, int64_t{1} << 50);
    }
    PacketFields fields = RandomPacket(random);
    fields.payload = Pattern(Pick(random, 1, 3000), 1);
    const Bytes frame = BuildPacket(fields);
    memory.Clear();
    int32_t* job = memory.SealJob(0);
    const int32_t size = static_cast<int32_t>(Pick(random, 1, 1500));
    job[seal_job::kFrameOffset] = memory.Place(frame, static_cast<int32_t>(round % 8));
    job[seal_job::kFrameLength] = static_cast<int32_t>(frame.size());
    job[seal_job::kSegmentation] = fields.tcp ? segmentation::kTcp : segmentation::kUdp;
    job[seal_job::kNetworkHeaderLength] = NetworkHeaderLength(fields);
    job[seal_job::kHeadersLength] = HeadersLength(fields);
    job[seal_job::kSegmentSize] = size;
    job[seal_job::kSegments] = (static_cast<int32_t>(fields.payload.size()) + size - 1) / size;
    job[seal_job::kChecksumStart] = -1;
    job[seal_job::kSaSlot] = 0;
    job[seal_job::kSequenceLow] = round;
    job[seal_job::kSequenceHigh] = round;
    job[seal_job::kSealedOffset] = 4096;
    for (uint32_t changes = Pick(random, 0, 3); changes > 0; changes--) {
      job[Pick(random, 0, seal_job::kNextHeader)] = Extreme(random);
    }
    if (!SealBatch(memory.Get(), table, 1) && job[seal_job::kStatus] == job_status::kOk) sealed++;
  }
  CHECK(sealed > 1000);
}

TEST(RandomEspPacketsNeverOpen) {
  auto random = MakeRandom(5);
  TestMemory memory(4096, 8);
  SaTable table;
  const int32_t slots = static_cast<int32_t>(Variants().size());
  for (int32_t slot = 0; slot < slots; slot++) {
    const Variant& variant = Variants()[static_cast<size_t>(slot)];
    table.InstallInbound(slot, {.cipher = MakeCipher(variant, Direction::kDecrypt, slot % 2 == 0)});
  }
  for (int round = 0; round < 20000; round++) {
    memory.Clear();
    int32_t* job = memory.OpenJob(0);
    const uint32_t length = Pick(random, 0, 400);
    job[open_job::kOffset] = memory.Place(Pattern(length, static_cast<uint32_t>(random())));
    job[open_job::kLength] = static_cast<int32_t>(length);
    job[open_job::kSaSlot] = static_cast<int32_t>(Pick(random, 0, static_cast<uint32_t>(slots)));
    job[open_job::kStatus] = -1;
    // Only where the row is as it was placed can the bytes around it be forbidden.
    if (Pick(random, 0, 9) == 0) {
      job[Pick(random, 0, 3)] = Extreme(random);
    } else {
      memory.PoisonGaps();
    }
    const BatchFault fault = OpenBatch(memory.Get(), table, 1);
    const int32_t status = job[open_job::kStatus];
    CHECK(fault ? status == -1 : status == job_status::kIcvMismatch || status == job_status::kNoSa);
  }
}

}  // namespace isthmus::test
