// Sealing and opening: layout, sequence guard, statuses, hostile rows. The cipher itself is compared with an
// independent one in test/native/.
#include <openssl/crypto.h>

#include <cstring>

#include "engine/esp_packet.h"
#include "engine/open.h"
#include "engine/seal.h"
#include "harness.h"
#include "support_ciphers.h"
#include "support_memory.h"
#include "support_packets.h"

namespace isthmus::test {

namespace {

constexpr uint32_t kSpi = 0xc0ffee01;

class Gateway {
 public:
  explicit Gateway(bool esn = false, const Variant& variant = {})
      : memory_(1 << 20, 64), layout_(MakeCipher(variant, Direction::kEncrypt, esn)->Layout()) {
    table_.InstallOutbound(3, {.cipher = MakeCipher(variant, Direction::kEncrypt, esn), .spi = kSpi, .esn = esn});
    table_.InstallInbound(4, {.cipher = MakeCipher(variant, Direction::kDecrypt, esn)});
  }

  const esp::Layout& Layout() const { return layout_; }

  // A row that seals the packet as it is; the sealed packet lies at SealedOffset(row).
  int32_t* AddWhole(int32_t row, const Bytes& packet, uint64_t sequence, int32_t slot = 3) {
    int32_t* job = memory_.SealJob(row);
    job[seal_job::kFrameOffset] = memory_.Place(packet);
    job[seal_job::kFrameLength] = static_cast<int32_t>(packet.size());
    job[seal_job::kSegmentation] = segmentation::kNone;
    job[seal_job::kSegments] = 1;
    job[seal_job::kChecksumStart] = -1;
    Finish(job, Layout().SealedLength(static_cast<int64_t>(packet.size())), sequence, slot);
    return job;
  }

  int32_t* AddSuper(int32_t row, const PacketFields& fields, int32_t segmentSize, uint64_t sequence) {
    const Bytes frame = BuildPacket(fields);
    const int32_t payload = static_cast<int32_t>(fields.payload.size());
    int32_t* job = memory_.SealJob(row);
    job[seal_job::kFrameOffset] = memory_.Place(frame);
    job[seal_job::kFrameLength] = static_cast<int32_t>(frame.size());
    job[seal_job::kSegmentation] = fields.tcp ? segmentation::kTcp : segmentation::kUdp;
    job[seal_job::kNetworkHeaderLength] = NetworkHeaderLength(fields);
    job[seal_job::kHeadersLength] = HeadersLength(fields);
    job[seal_job::kSegmentSize] = segmentSize;
    job[seal_job::kSegments] = (payload + segmentSize - 1) / segmentSize;
    const int64_t stride = Layout().SealedLength(HeadersLength(fields) + segmentSize);
    const int64_t last = HeadersLength(fields) + payload - int64_t{job[seal_job::kSegments] - 1} * segmentSize;
    Finish(job, (job[seal_job::kSegments] - 1) * stride + Layout().SealedLength(last), sequence, 3);
    return job;
  }

  BatchFault Seal(int32_t count) {
    memory_.PoisonGaps();
    const BatchFault fault = SealBatch(memory_.Get(), table_, count);
    memory_.Clear();
    return fault;
  }

  int32_t SealStatus(int32_t row) { return memory_.SealJob(row)[seal_job::kStatus]; }
  int32_t SealedOffset(int32_t row) { return memory_.SealJob(row)[seal_job::kSealedOffset]; }

  int32_t OpenOne(int32_t offset, int32_t length, uint32_t sequenceHigh = 0, int32_t slot = 4) {
    int32_t* job = memory_.OpenJob(0);
    job[open_job::kOffset] = offset;
    job[open_job::kLength] = length;
    job[open_job::kSaSlot] = slot;
    job[open_job::kSequenceHigh] = static_cast<int32_t>(sequenceHigh);
    job[open_job::kStatus] = -1;
    const BatchFault fault = OpenBatch(memory_.Get(), table_, 1);
    return fault ? -2 : job[open_job::kStatus];
  }

  TestMemory& Memory() { return memory_; }
  SaTable& Table() { return table_; }

 private:
  void Finish(int32_t* job, int64_t sealedBytes, uint64_t sequence, int32_t slot) {
    job[seal_job::kSaSlot] = slot;
    job[seal_job::kSequenceLow] = static_cast<int32_t>(static_cast<uint32_t>(sequence));
    job[seal_job::kSequenceHigh] = static_cast<int32_t>(sequence >> 32);
    job[seal_job::kSealedOffset] = memory_.Reserve(static_cast<int32_t>(sealedBytes));
    job[seal_job::kNextHeader] = 4;
    job[seal_job::kStatus] = -1;
  }

  TestMemory memory_;
  SaTable table_;
  esp::Layout layout_;
};

}  // namespace

TEST(SealedPacketsOpenForEveryCipherAndLength) {
  for (const bool esn : {false, true}) {
    for (const Variant& variant : Variants()) {
      Gateway gateway(esn, variant);
      const uint64_t high = esn ? uint64_t{7} << 32 : 0;
      CHECK(gateway.Table().Grant(3, static_cast<int64_t>(high), static_cast<int64_t>(high) + 100) ==
            GrantResult::kOk);
      for (uint32_t length = 0; length < 70; length++) {
        const Bytes packet = Pattern(length, length);
        gateway.AddWhole(0, packet, high + length);
        CHECK(!gateway.Seal(1));
        CHECK(gateway.SealStatus(0) == job_status::kOk);
        const int32_t offset = gateway.SealedOffset(0);
        const int32_t sealed = static_cast<int32_t>(gateway.Layout().SealedLength(length));
        const esp::Layout& layout = gateway.Layout();
        const int32_t ends = layout.PayloadOffset() + layout.icvBytes;
        CHECK((sealed - ends) % layout.alignmentBytes == 0 && sealed >= layout.ShortestBytes());
        CHECK(gateway.OpenOne(offset, sealed, esn ? 7 : 0) == job_status::kOk);
        const int64_t payload = offset + layout.PayloadOffset();
        CHECK(gateway.Memory().Read(payload, length) == packet);
        const Bytes trailer = gateway.Memory().Read(payload + length, sealed - ends - static_cast<int32_t>(length));
        for (size_t i = 0; i + 2 < trailer.size(); i++) CHECK(trailer[i] == i + 1);
        CHECK(trailer[trailer.size() - 2] == trailer.size() - 2 && trailer.back() == 4);
        CHECK(trailer.size() < static_cast<size_t>(layout.alignmentBytes) + 2);
      }
    }
  }
}

TEST(WhatOneLibrarySealsTheOtherOpens) {
  for (const size_t keyBytes : {16, 24, 32}) {
    for (const CipherLibrary from : Libraries()) {
      for (const CipherLibrary to : Libraries()) {
        const auto seal = MakeCipher({kEncrAesGcm16, keyBytes, from}, Direction::kEncrypt, true);
        const auto open = MakeCipher({kEncrAesGcm16, keyBytes, to}, Direction::kDecrypt, true);
        for (uint32_t payload = 4; payload < 3000; payload += payload < 600 ? 4 : 92) {
          Bytes packet = Pattern(8 + 8 + payload + 16, payload);
          const Bytes plaintext(packet.begin() + 16, packet.end() - 16);
          CHECK(seal->Seal(packet, uint64_t{3} << 32 | payload));
          CHECK(Bytes(packet.begin() + 16, packet.end() - 16) != plaintext);
          CHECK(open->Open(packet, 3) == EspCipher::OpenResult::kOk);
          CHECK(Bytes(packet.begin() + 16, packet.end() - 16) == plaintext);
        }
      }
    }
  }
}

TEST(SegmentsLieOneBehindTheOtherWithRisingNumbers) {
  for (const bool tcp : {false, true}) {
    Gateway gateway(true);
    const uint64_t first = 0xffffffff;
    CHECK(gateway.Table().Grant(3, static_cast<int64_t>(first), static_cast<int64_t>(first) + 10) ==
          GrantResult::kOk);
    PacketFields fields;
    fields.tcp = tcp;
    fields.payload = Pattern(4 * 1001 + 13, 6);
    gateway.AddSuper(0, fields, 1001, first);
    CHECK(!gateway.Seal(1));
    CHECK(gateway.SealStatus(0) == job_status::kOk);
    const std::vector<PacketFields> expected = CutFields(fields, 1001);
    int32_t offset = gateway.SealedOffset(0);
    for (size_t i = 0; i < expected.size(); i++) {
      const Bytes inner = BuildPacket(expected[i]);
      const int32_t length = static_cast<int32_t>(gateway.Layout().SealedLength(static_cast<int64_t>(inner.size())));
      const uint64_t sequence = first + i;
      const uint8_t* packet = gateway.Memory().Arena() + offset;
      CHECK(LoadBe32(packet) == kSpi);
      CHECK(LoadBe32(packet + 4) == static_cast<uint32_t>(sequence));
      CHECK(LoadBe32(packet + 8) == static_cast<uint32_t>(sequence >> 32));
      CHECK(LoadBe32(packet + 12) == static_cast<uint32_t>(sequence));
      CHECK(gateway.OpenOne(offset, length, static_cast<uint32_t>(sequence >> 32)) == job_status::kOk);
      CHECK(gateway.Memory().Read(offset + 16, static_cast<int64_t>(inner.size())) == inner);
      offset += length;
    }
  }
}

TEST(TheFrameStaysUntouched) {
  Gateway gateway;
  gateway.Table().Grant(3, 1, 100);
  PacketFields fields;
  fields.payload = Pattern(3000, 6);
  const Bytes frame = BuildPacket(fields);
  int32_t* super = gateway.AddSuper(0, fields, 1000, 1);
  int32_t* whole = gateway.AddWhole(1, frame, 50);
  whole[seal_job::kChecksumStart] = 20;
  whole[seal_job::kChecksumOffset] = 16;
  CHECK(!gateway.Seal(2));
  CHECK(gateway.Memory().Read(super[seal_job::kFrameOffset], static_cast<int64_t>(frame.size())) == frame);
  CHECK(gateway.Memory().Read(whole[seal_job::kFrameOffset], static_cast<int64_t>(frame.size())) == frame);
}

TEST(GuardRefusesNumbersThatWereNotGrantedOrDoNotRise) {
  Gateway gateway;
  const Bytes packet = Pattern(100, 1);
  const auto statusOf = [&](uint64_t sequence) {
    gateway.AddWhole(0, packet, sequence);
    const int32_t offset = gateway.SealedOffset(0);
    std::memset(gateway.Memory().Arena() + offset, 0xee, 40);
    CHECK(!gateway.Seal(1));
    const bool written = gateway.Memory().Arena()[offset] != 0xee;
    CHECK(written == (gateway.SealStatus(0) == job_status::kOk));
    return gateway.SealStatus(0);
  };
  CHECK(statusOf(0) == job_status::kGuard);
  CHECK(statusOf(1) == job_status::kGuard);
  CHECK(gateway.Table().Grant(3, 10, 20) == GrantResult::kOk);
  CHECK(statusOf(9) == job_status::kGuard);
  CHECK(statusOf(20) == job_status::kGuard);
  CHECK(statusOf(0x10000000cull) == job_status::kGuard);
  CHECK(statusOf(~uint64_t{0}) == job_status::kGuard);
  CHECK(statusOf(12) == job_status::kOk);
  CHECK(statusOf(12) == job_status::kGuard);
  CHECK(statusOf(11) == job_status::kGuard);
  CHECK(statusOf(19) == job_status::kOk);
  CHECK(statusOf(20) == job_status::kGuard);
}

TEST(GuardRefusesASuperPacketThatLeavesTheBlockWithoutConsuming) {
  Gateway gateway;
  gateway.Table().Grant(3, 1, 5);
  PacketFields fields;
  fields.payload = Pattern(3000, 6);
  gateway.AddSuper(0, fields, 1000, 3);
  gateway.AddSuper(1, fields, 1000, 2);
  gateway.AddSuper(2, fields, 1000, 2);
  CHECK(!gateway.Seal(3));
  CHECK(gateway.SealStatus(0) == job_status::kGuard);
  CHECK(gateway.SealStatus(1) == job_status::kOk);
  CHECK(gateway.SealStatus(2) == job_status::kGuard);
}

TEST(GrantsDoNotOverlapAndKeepToTheNumbersOfTheSa) {
  Gateway gateway;
  SaTable& table = gateway.Table();
  CHECK(table.Grant(3, 100, 200) == GrantResult::kOk);
  CHECK(table.Grant(3, 199, 300) == GrantResult::kRange);
  CHECK(table.Grant(3, 300, 299) == GrantResult::kRange);
  CHECK(table.Grant(3, 200, 300) == GrantResult::kOk);
  CHECK(table.Grant(3, 300, kMaxShortSequenceEnd + 1) == GrantResult::kRange);
  CHECK(table.Grant(3, 300, kMaxShortSequenceEnd) == GrantResult::kOk);
  CHECK(table.Grant(4, 1, 2) == GrantResult::kNoSa);
  CHECK(table.Grant(-1, 1, 2) == GrantResult::kNoSa);
  CHECK(table.Grant(1000, 1, 2) == GrantResult::kNoSa);
  Gateway extended(true);
  CHECK(extended.Table().Grant(3, kMaxShortSequenceEnd, kMaxSequenceEnd) == GrantResult::kOk);
  CHECK(extended.Table().Grant(3, kMaxSequenceEnd, kMaxSequenceEnd + 1) == GrantResult::kRange);
}

TEST(SlotsWithoutAnSaAreSaid) {
  Gateway gateway;
  const Bytes packet = Pattern(100, 1);
  for (const int32_t slot : {0, 4, 5, 1 << 20, INT32_MAX, -1, INT32_MIN}) {
    gateway.AddWhole(0, packet, 1, slot);
    CHECK(!gateway.Seal(1));
    CHECK(gateway.SealStatus(0) == job_status::kNoSa);
    CHECK(gateway.OpenOne(0, 100, 0, slot == 4 ? 3 : slot) == job_status::kNoSa);
  }
  gateway.Table().Remove(3);
  gateway.Table().Remove(4);
  gateway.Table().Remove(100000);
  gateway.AddWhole(0, packet, 1);
  CHECK(!gateway.Seal(1));
  CHECK(gateway.SealStatus(0) == job_status::kNoSa);
  CHECK(gateway.OpenOne(0, 100) == job_status::kNoSa);
}

TEST(AnyChangedBitIsAnIcvMismatchAndTheNextPacketOpens) {
  for (const Variant& variant : Variants()) {
    Gateway gateway(false, variant);
    gateway.Table().Grant(3, 1, 1000);
    const Bytes packet = Pattern(21, 1);
    const int32_t length = static_cast<int32_t>(gateway.Layout().SealedLength(21));
    gateway.AddWhole(0, packet, 1);
    CHECK(!gateway.Seal(1));
    const int32_t offset = gateway.SealedOffset(0);
    const Bytes sealed = gateway.Memory().Read(offset, length);
    for (int32_t bit = 0; bit < length * 8; bit++) {
      std::memcpy(gateway.Memory().Arena() + offset, sealed.data(), sealed.size());
      gateway.Memory().Arena()[offset + bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      CHECK(gateway.OpenOne(offset, length) == job_status::kIcvMismatch);
    }
    std::memcpy(gateway.Memory().Arena() + offset, sealed.data(), sealed.size());
    CHECK(gateway.OpenOne(offset, length) == job_status::kOk);
    CHECK(gateway.Memory().Read(offset + gateway.Layout().PayloadOffset(), 21) == packet);
    // Nor with its end cut off.
    std::memcpy(gateway.Memory().Arena() + offset, sealed.data(), sealed.size());
    CHECK(gateway.OpenOne(offset, length - 4) == job_status::kIcvMismatch);
  }
}

TEST(TheHighHalfOfAnEsnIsAuthenticated) {
  for (const Variant& variant : Variants()) {
    Gateway gateway(true, variant);
    gateway.Table().Grant(3, 0x500000001, 0x500000010);
    gateway.AddWhole(0, Pattern(40, 1), 0x500000001);
    CHECK(!gateway.Seal(1));
    const int32_t length = static_cast<int32_t>(gateway.Layout().SealedLength(40));
    const Bytes sealed = gateway.Memory().Read(gateway.SealedOffset(0), length);
    CHECK(gateway.OpenOne(gateway.SealedOffset(0), length, 4) == job_status::kIcvMismatch);
    std::memcpy(gateway.Memory().Arena() + gateway.SealedOffset(0), sealed.data(), sealed.size());
    CHECK(gateway.OpenOne(gateway.SealedOffset(0), length, 5) == job_status::kOk);
  }
}

TEST(AForgedCbcPacketIsNotDecrypted) {
  Gateway gateway(false, {kEncrAesCbc, 32, CipherLibrary::kOpenssl, kAuthHmacSha2_256_128});
  gateway.Table().Grant(3, 1, 10);
  gateway.AddWhole(0, Pattern(40, 1), 1);
  CHECK(!gateway.Seal(1));
  const int32_t offset = gateway.SealedOffset(0);
  const int32_t length = static_cast<int32_t>(gateway.Layout().SealedLength(40));
  gateway.Memory().Arena()[offset + length - 1] ^= 1;
  const Bytes before = gateway.Memory().Read(offset, length);
  CHECK(gateway.OpenOne(offset, length) == job_status::kIcvMismatch);
  CHECK(gateway.Memory().Read(offset, length) == before);
}

TEST(KeysOfUnknownCiphersAndLengthsAreRefused) {
  for (const CipherLibrary library : Libraries()) {
    for (const auto& [id, keyBytes] :
         std::vector<std::pair<int, size_t>>{{20, 0}, {20, 15}, {20, 33}, {28, 16}, {12, 16}}) {
      CHECK(MakeCipher({id, keyBytes, library}, Direction::kEncrypt, false) == nullptr);
    }
    const Bytes key = Pattern(16, 1);
    const Bytes salt = {1, 2, 3};
    CHECK(CreateCipher(library, {.encryptionId = 20, .key = key, .salt = salt}) == nullptr);
    // CCM's salt has three bytes, the others' four (RFC 4309 §4).
    CHECK(CreateCipher(library, {.encryptionId = 16, .key = key, .salt = salt}) != nullptr);
    // Encryption without integrity, and integrity that a combined mode would not use.
    for (const int id : {kEncrNull, kEncrAesCbc}) CHECK(MakeCipher({id, 16}, Direction::kDecrypt, false) == nullptr);
    CHECK(MakeCipher({kEncrNull, 0}, Direction::kDecrypt, false) == nullptr);
    CHECK(MakeCipher({kEncrAesGcm16, 16, library, kAuthHmacSha2_256_128}, Direction::kEncrypt, false) == nullptr);
    // RFC 4868 §2.1.1: the integrity key is as long as its hash. An unpredictable IV needs its key.
    const Bytes hmacKey = Pattern(32, 1);
    CipherRequest request = {.encryptionId = 12, .integrityId = 12, .key = key, .integrityKey = hmacKey, .ivKey = hmacKey};
    CHECK(CreateCipher(library, request) != nullptr);
    request.integrityId = kAuthHmacSha2_384_192;
    CHECK(CreateCipher(library, request) == nullptr);
    request.integrityId = kAuthHmacSha2_256_128;
    request.ivKey = {};
    CHECK(CreateCipher(library, request) == nullptr);
    request.direction = Direction::kDecrypt;
    CHECK(CreateCipher(library, request) != nullptr);
  }
}

TEST(SealRefusesRowsThatDoNotGoTogether) {
  PacketFields fields;
  fields.payload = Pattern(3000, 6);
  const int32_t values[] = {INT32_MIN, -1, 0, 1, 19, 61, 3040, 3041, 70000, 1 << 20, INT32_MAX};
  const int cells[] = {seal_job::kFrameOffset,   seal_job::kFrameLength, seal_job::kSegmentation,
                       seal_job::kHeadersLength, seal_job::kSegmentSize, seal_job::kSegments,
                       seal_job::kSealedOffset,  seal_job::kNetworkHeaderLength};
  for (const int cell : cells) {
    for (const int32_t value : values) {
      Gateway gateway;
      gateway.Table().Grant(3, 1, 1000);
      int32_t* job = gateway.AddSuper(0, fields, 1000, 1);
      if (job[cell] == value) continue;
      job[cell] = value;
      const BatchFault fault = SealBatch(gateway.Memory().Get(), gateway.Table(), 1);
      // Any free place behind the frame, and longer TCP options, are sound too.
      const bool sound = (cell == seal_job::kSealedOffset && value >= 3040 && value <= 70000) ||
                         (cell == seal_job::kHeadersLength && value == 61);
      CHECK(fault.kind == (sound ? BatchFaultKind::kNone : BatchFaultKind::kDescriptor));
      CHECK(gateway.SealStatus(0) == (sound ? job_status::kOk : -1));
    }
  }
}

TEST(SealRefusesAChecksumFieldOutsideTheFrame) {
  Gateway gateway;
  gateway.Table().Grant(3, 1, 1000);
  uint64_t sequence = 1;
  const auto isRefused = [&](int32_t start, int32_t offset) {
    int32_t* job = gateway.AddWhole(0, Pattern(60, 1), sequence++);
    job[seal_job::kChecksumStart] = start;
    job[seal_job::kChecksumOffset] = offset;
    return gateway.Seal(1).kind == BatchFaultKind::kDescriptor;
  };
  CHECK(!isRefused(-1, INT32_MAX));
  CHECK(!isRefused(20, 16));
  CHECK(!isRefused(42, 16));
  CHECK(isRefused(43, 16));
  CHECK(isRefused(60, 0));
  CHECK(isRefused(20, -1));
  CHECK(isRefused(INT32_MAX, INT32_MAX));
}

TEST(OpenRefusesRowsOutsideTheArenaAndTooShort) {
  Gateway gateway;
  const int32_t arena = 1 << 20;
  CHECK(gateway.OpenOne(0, 33) == -2);
  CHECK(gateway.OpenOne(0, 34) == job_status::kIcvMismatch);
  CHECK(gateway.OpenOne(arena - 34, 34) == job_status::kIcvMismatch);
  CHECK(gateway.OpenOne(arena - 33, 34) == -2);
  CHECK(gateway.OpenOne(-1, 100) == -2);
  CHECK(gateway.OpenOne(0, -1) == -2);
  CHECK(gateway.OpenOne(INT32_MAX, INT32_MAX) == -2);
  CHECK(gateway.OpenOne(0, arena + 1) == -2);
}

}  // namespace isthmus::test
