// Nanoseconds per packet of the engine's hot paths, warm in the cache as a batch is: the median of many rounds.
#include <openssl/crypto.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

#include "engine/checksum.h"
#include "engine/coalescing.h"
#include "engine/esp_packet.h"
#include "engine/ipsec_mb.h"
#include "engine/open.h"
#include "engine/seal.h"
#include "engine/segmentation.h"
#include "support_ciphers.h"
#include "support_memory.h"
#include "support_packets.h"

namespace isthmus::test {

namespace {

constexpr int kRounds = 300;
constexpr int kSegments = 47;
constexpr int kSegmentSize = 1348;

using Clock = std::chrono::steady_clock;

// `prepare` is not counted. Returns nanoseconds per call of `work`.
double Measure(const std::function<void()>& prepare, const std::function<void()>& work) {
  std::vector<double> times;
  for (int round = 0; round < kRounds; round++) {
    prepare();
    const auto start = Clock::now();
    work();
    times.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void Print(const char* name, double nanoseconds, int packets) {
  std::printf("%-42s %9.0f ns   %7.1f ns per packet\n", name, nanoseconds, nanoseconds / packets);
}

PacketFields Super() {
  PacketFields super;
  super.tcpOptions = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
  super.payload = Pattern(kSegments * kSegmentSize, 3);
  return super;
}

void BenchChecksum() {
  const Bytes data = Pattern(1400, 1);
  Bytes to(1400);
  volatile uint64_t sink = 0;
  const auto times = [&](const auto& once) {
    return Measure([] {}, [&] { for (int i = 0; i < 100; i++) once(); });
  };
  namespace internal = checksum_internal;
  Print("checksum, 1400 bytes", times([&] { sink = internal::kAddLong(0, data.data(), 1400); }), 100);
  Print("  portable", times([&] { sink = internal::AddPortable(0, data.data(), 1400); }), 100);
  Print("checksum and copy, 1400 bytes", times([&] { sink = internal::kCopyLong(0, to.data(), data.data(), 1400); }), 100);
  Print("  portable", times([&] { sink = internal::CopyPortable(0, to.data(), data.data(), 1400); }), 100);
}

void BenchSegmentation() {
  const PacketFields super = Super();
  const Bytes frame = BuildPacket(super);
  Bytes to(kSegments * 1500);
  Print("segment, super-packet of 47", Measure([] {}, [&] {
          const Segmenter segmenter({.frame = frame.data(),
                                     .frameLength = static_cast<int32_t>(frame.size()),
                                     .isTcp = true,
                                     .networkHeaderLength = 20,
                                     .headersLength = 52,
                                     .segmentSize = kSegmentSize,
                                     .segments = kSegments});
          for (int i = 0; i < kSegments; i++) segmenter.WriteSegment(i, to.data() + i * 1500);
        }), kSegments);
}

void BenchCipher(const char* cipher, const Variant& variant, size_t packetBytes) {
  constexpr int kPackets = 32;
  TestMemory memory(1 << 20, kPackets);
  SaTable table;
  table.InstallOutbound(0, {.cipher = MakeCipher(variant, Direction::kEncrypt, true), .spi = 1, .esn = true});
  table.InstallInbound(1, {.cipher = MakeCipher(variant, Direction::kDecrypt, true)});
  table.Grant(0, 0, kMaxSequenceEnd);
  const Bytes packet = Pattern(packetBytes, 4);
  const int32_t sealedBytes = static_cast<int32_t>(table.Outbound(0)->cipher->Layout().SealedLength(static_cast<int64_t>(packetBytes)));
  int32_t sequence = 0;
  for (int32_t i = 0; i < kPackets; i++) {
    int32_t* job = memory.SealJob(i);
    job[seal_job::kFrameOffset] = memory.Place(packet);
    job[seal_job::kFrameLength] = static_cast<int32_t>(packetBytes);
    job[seal_job::kSegments] = 1;
    job[seal_job::kChecksumStart] = -1;
    job[seal_job::kSealedOffset] = memory.Reserve(sealedBytes);
    job[seal_job::kNextHeader] = 4;
    int32_t* open = memory.OpenJob(i);
    open[open_job::kOffset] = job[seal_job::kSealedOffset];
    open[open_job::kLength] = sealedBytes;
    open[open_job::kSaSlot] = 1;
  }
  const auto number = [&] {
    for (int32_t i = 0; i < kPackets; i++) memory.SealJob(i)[seal_job::kSequenceLow] = sequence++;
  };
  const auto seal = [&] { SealBatch(memory.Get(), table, kPackets); };
  const auto open = [&] { OpenBatch(memory.Get(), table, kPackets); };
  char name[64];
  std::snprintf(name, sizeof name, "seal %s, %zu bytes, %s", cipher, packetBytes, NameOf(variant.library));
  Print(name, Measure(number, seal), kPackets);
  std::snprintf(name, sizeof name, "open %s, %zu bytes, %s", cipher, packetBytes, NameOf(variant.library));
  Print(name, Measure([&] { number(); seal(); }, open), kPackets);
}

void BenchSuperPacket(CipherLibrary library) {
  TestMemory memory(1 << 20, kSegments);
  SaTable table;
  table.InstallOutbound(0, {.cipher = MakeCipher({.library = library}, Direction::kEncrypt, true), .spi = 1, .esn = true});
  table.Grant(0, 0, kMaxSequenceEnd);
  const Bytes frame = BuildPacket(Super());
  int32_t* job = memory.SealJob(0);
  job[seal_job::kFrameOffset] = memory.Place(frame);
  job[seal_job::kFrameLength] = static_cast<int32_t>(frame.size());
  job[seal_job::kSegmentation] = segmentation::kTcp;
  job[seal_job::kNetworkHeaderLength] = 20;
  job[seal_job::kHeadersLength] = 52;
  job[seal_job::kSegmentSize] = kSegmentSize;
  job[seal_job::kSegments] = kSegments;
  job[seal_job::kChecksumStart] = -1;
  job[seal_job::kSealedOffset] = memory.Reserve(kSegments * 1500);
  job[seal_job::kNextHeader] = 4;
  const auto number = [&] { job[seal_job::kSequenceLow] += kSegments; };
  char name[64];
  std::snprintf(name, sizeof name, "segment and seal 47, %s", NameOf(library));
  Print(name, Measure(number, [&] { SealBatch(memory.Get(), table, 1); }), kSegments);
}

void BenchCoalescing() {
  TestMemory memory(1 << 20, kSegments);
  Coalescer coalescer(memory.Get(), {.tcp = true, .udp = true});
  const std::vector<PacketFields> cut = CutFields(Super(), kSegmentSize);
  for (int32_t i = 0; i < kSegments; i++) {
    const Bytes packet = BuildPacket(cut[static_cast<size_t>(i)]);
    memory.InnerPacket(i)[inner_packet::kOffset] = memory.Place(packet, 4);
    memory.InnerPacket(i)[inner_packet::kLength] = static_cast<int32_t>(packet.size());
  }
  const Bytes first = BuildPacket(cut[0]);
  int32_t frames = 0;
  // The first packet's headers are rewritten by each run.
  const auto restore = [&] {
    std::memcpy(memory.Arena() + memory.InnerPacket(0)[inner_packet::kOffset], first.data(), first.size());
  };
  const double time = Measure(restore, [&] { coalescer.Coalesce(kSegments, frames); });
  Print(frames <= 2 ? "coalesce 47 segments" : "coalesce 47 segments: NOT JOINED", time, kSegments);
}

}  // namespace

}  // namespace isthmus::test

int main() {
  using namespace isthmus::test;
  const isthmus::IpsecMb& ipsecMb = isthmus::FindIpsecMb();
  std::printf("%s, %s\n", OpenSSL_version(OPENSSL_VERSION),
              ipsecMb.manager == nullptr ? ipsecMb.missing.c_str() : ipsecMb.version.c_str());
  BenchChecksum();
  BenchSegmentation();
  for (const size_t bytes : {64, 1400}) {
    for (const isthmus::CipherLibrary library : Libraries()) {
      BenchCipher("aes256gcm16", {.library = library}, bytes);
      BenchCipher("aes128gcm16", {.keyBytes = 16, .library = library}, bytes);
    }
    BenchCipher("chacha20poly1305", {.encryptionId = isthmus::kEncrChacha20Poly1305}, bytes);
    BenchCipher("aes256ccm16", {.encryptionId = isthmus::kEncrAesCcm16}, bytes);
    BenchCipher("aes256gmac", {.encryptionId = isthmus::kEncrNullAuthAesGmac}, bytes);
    BenchCipher("aes256-sha256", {.encryptionId = isthmus::kEncrAesCbc, .integrityId = isthmus::kAuthHmacSha2_256_128},
                bytes);
  }
  for (const isthmus::CipherLibrary library : Libraries()) BenchSuperPacket(library);
  BenchCoalescing();
  return 0;
}
