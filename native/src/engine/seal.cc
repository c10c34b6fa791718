#include "engine/seal.h"

#include <algorithm>
#include <cstring>

#include "engine/byte_order.h"
#include "engine/esp_packet.h"
#include "engine/ip_header.h"
#include "engine/segmentation.h"

namespace isthmus {

namespace {

// One row of the table, and what is computed from it.
struct Job {
  explicit Job(const int32_t* row)
      : frameOffset(row[seal_job::kFrameOffset]),
        frameLength(row[seal_job::kFrameLength]),
        segmentation(row[seal_job::kSegmentation]),
        networkHeaderLength(row[seal_job::kNetworkHeaderLength]),
        headersLength(row[seal_job::kHeadersLength]),
        segmentSize(row[seal_job::kSegmentSize]),
        segments(row[seal_job::kSegments]),
        checksumStart(row[seal_job::kChecksumStart]),
        checksumOffset(row[seal_job::kChecksumOffset]),
        sequenceLow(static_cast<uint32_t>(row[seal_job::kSequenceLow])),
        sequenceHigh(static_cast<uint32_t>(row[seal_job::kSequenceHigh])),
        sealedOffset(row[seal_job::kSealedOffset]),
        nextHeader(static_cast<uint8_t>(row[seal_job::kNextHeader])),
        paddedLength(row[seal_job::kPaddedLength]) {}

  int64_t Stride(const esp::Layout& layout) const {
    return layout.SealedLength(Padded(int64_t{headersLength} + segmentSize));
  }

  // Length of an inner packet with its traffic flow confidentiality padding (RFC 4303 §2.7).
  int64_t Padded(int64_t innerLength) const { return std::max(innerLength, int64_t{paddedLength}); }

  // Length of the last segment's inner packet.
  int64_t LastInnerLength() const { return int64_t{frameLength} - int64_t{segments - 1} * segmentSize; }

  int64_t SealedBytes(const esp::Layout& layout) const {
    if (segmentation == segmentation::kNone) return layout.SealedLength(Padded(frameLength));
    return (segments - 1) * Stride(layout) + layout.SealedLength(Padded(LastInnerLength()));
  }

  int32_t frameOffset;
  int32_t frameLength;
  int32_t segmentation;
  int32_t networkHeaderLength;
  int32_t headersLength;
  int32_t segmentSize;
  int32_t segments;
  int32_t checksumStart;
  int32_t checksumOffset;
  uint32_t sequenceLow;
  uint32_t sequenceHigh;
  int32_t sealedOffset;
  uint8_t nextHeader;
  int32_t paddedLength;
};

bool IsChecksumInFrame(const Job& job) {
  if (job.checksumStart < 0) return true;
  return job.checksumOffset >= 0 && int64_t{job.checksumStart} + job.checksumOffset + 2 <= job.frameLength;
}

// The headers that Segmenter reads and writes lie in the frame, and the cut covers the payload exactly.
bool IsSegmentable(const Job& job, const uint8_t* frame) {
  if (job.segmentSize < 1 || job.headersLength >= job.frameLength) return false;
  const int64_t transportHeaderLength = int64_t{job.headersLength} - job.networkHeaderLength;
  if (job.segmentation == segmentation::kTcp) {
    if (transportHeaderLength < tcp::kHeaderBytes || transportHeaderLength > tcp::kMaxHeaderBytes) return false;
  } else if (transportHeaderLength != udp::kHeaderBytes) {
    return false;
  }
  if (job.networkHeaderLength < ipv4::kHeaderBytes) return false;
  const int version = frame[0] >> 4;
  if (version == 4) {
    if (job.networkHeaderLength > ipv4::kMaxHeaderBytes) return false;
  } else if (version != 6 || job.networkHeaderLength < ipv6::kHeaderBytes) {
    return false;
  }
  const int64_t payload = int64_t{job.frameLength} - job.headersLength;
  return payload <= int64_t{job.segments} * job.segmentSize &&
         payload > int64_t{job.segments - 1} * job.segmentSize;
}

bool IsFrameSound(const BatchMemory& memory, const Job& job) {
  if (job.segments < 1 || !memory.Contains(job.frameOffset, job.frameLength)) return false;
  switch (job.segmentation) {
    case segmentation::kNone:
      return job.segments == 1 && IsChecksumInFrame(job);
    case segmentation::kTcp:
    case segmentation::kUdp:
      return IsSegmentable(job, memory.arena + job.frameOffset);
    default:
      return false;
  }
}

// There is room for the sealed packets, and not where the frame is read while they are written.
bool IsRoomSound(const BatchMemory& memory, const Job& job, const esp::Layout& layout) {
  const int64_t sealedBytes = job.SealedBytes(layout);
  if (!memory.Contains(job.sealedOffset, sealedBytes)) return false;
  return job.sealedOffset + sealedBytes <= job.frameOffset || job.frameOffset + job.frameLength <= job.sealedOffset;
}

// Puts header, padding and trailer around the inner packet that stands where the payload begins, and encrypts it
// (RFC 4303 §3.3.2).
bool Encapsulate(const OutboundSa& sa, uint8_t* packet, int32_t innerLength, uint64_t sequence, uint8_t nextHeader) {
  const esp::Layout& layout = sa.cipher->Layout();
  StoreBe32(packet, sa.spi);
  StoreBe32(packet + esp::kSequence, static_cast<uint32_t>(sequence));
  const int32_t padding = static_cast<int32_t>(layout.PaddingBytes(innerLength));
  uint8_t* trailer = packet + layout.PayloadOffset() + innerLength;
  // Padding counts 1, 2, 3 … (RFC 4303 §2.4).
  for (int32_t i = 1; i <= padding; i++) *trailer++ = static_cast<uint8_t>(i);
  trailer[0] = static_cast<uint8_t>(padding);
  trailer[1] = nextHeader;
  const uint8_t* end = trailer + esp::kTrailerBytes + layout.icvBytes;
  return sa.cipher->Seal({packet, static_cast<size_t>(end - packet)}, sequence);
}

// Zeros behind the inner packet at `inner`, where its job wants it longer. Returns its length with them.
int32_t Pad(const Job& job, uint8_t* inner, int32_t innerLength) {
  const int32_t padded = static_cast<int32_t>(job.Padded(innerLength));
  std::memset(inner + innerLength, 0, static_cast<size_t>(padded - innerLength));
  return padded;
}

bool SealSegments(const BatchMemory& memory, const OutboundSa& sa, const Job& job, uint64_t first) {
  const uint8_t* frame = memory.arena + job.frameOffset;
  uint8_t* packet = memory.arena + job.sealedOffset;
  const esp::Layout& layout = sa.cipher->Layout();
  const int32_t payload = layout.PayloadOffset();
  if (job.segmentation == segmentation::kNone) {
    WriteWholePacket(frame, job.frameLength, job.checksumStart, job.checksumOffset, packet + payload);
    return Encapsulate(sa, packet, Pad(job, packet + payload, job.frameLength), first, job.nextHeader);
  }
  const Segmenter segmenter({.frame = frame,
                             .frameLength = job.frameLength,
                             .isTcp = job.segmentation == segmentation::kTcp,
                             .networkHeaderLength = job.networkHeaderLength,
                             .headersLength = job.headersLength,
                             .segmentSize = job.segmentSize,
                             .segments = job.segments});
  const int64_t stride = job.Stride(layout);
  for (int32_t i = 0; i < job.segments; i++, packet += stride) {
    const int32_t innerLength = Pad(job, packet + payload, segmenter.WriteSegment(i, packet + payload));
    const uint64_t sequence = first + static_cast<uint64_t>(i);
    if (!Encapsulate(sa, packet, innerLength, sequence, job.nextHeader)) return false;
  }
  return true;
}

}  // namespace

BatchFault SealBatch(const BatchMemory& memory, SaTable& table, int32_t count) {
  for (int32_t index = 0; index < count; index++) {
    int32_t* row = memory.sealJobs.Row(index);
    const Job job(row);
    if (!IsFrameSound(memory, job)) return {BatchFaultKind::kDescriptor, index};
    OutboundSa* sa = table.Outbound(row[seal_job::kSaSlot]);
    if (sa == nullptr) {
      row[seal_job::kStatus] = job_status::kNoSa;
      continue;
    }
    if (!IsRoomSound(memory, job, sa->cipher->Layout())) return {BatchFaultKind::kDescriptor, index};
    const uint64_t first = static_cast<uint64_t>(job.sequenceHigh) << 32 | job.sequenceLow;
    const uint64_t afterLast = first + static_cast<uint64_t>(job.segments);
    // Nothing at or above 2^53 was ever granted, so the sum above did not wrap where the first part holds.
    const bool granted = first >= static_cast<uint64_t>(sa->next) && first < static_cast<uint64_t>(sa->end) &&
                         afterLast <= static_cast<uint64_t>(sa->end);
    if (!granted) {
      row[seal_job::kStatus] = job_status::kGuard;
      continue;
    }
    // Consumed before use: what fails halfway must not be tried again with the same numbers.
    sa->next = static_cast<int64_t>(afterLast);
    if (!SealSegments(memory, *sa, job, first)) return {BatchFaultKind::kCipher, index};
    row[seal_job::kStatus] = job_status::kOk;
  }
  return {};
}

}  // namespace isthmus
