// The memory of one worker, as src/dataplane/batch-memory.ts lays it out: an arena of packet bytes and
// tables of int32 rows that describe what lies in it. The numbers here repeat that file's;
// test/unit/dataplane/batch-memory.test.ts holds the two together.
//
// Pure C++: nothing of Node-API is here (napi_batch_memory.h builds a BatchMemory from JavaScript's views).
// The memory is JavaScript's, may lie in a SharedArrayBuffer, and must outlive whoever holds a BatchMemory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace isthmus {

namespace frame {
inline constexpr int kStride = 8;
inline constexpr int kOffset = 0;
inline constexpr int kLength = 1;
inline constexpr int kFlags = 2;
inline constexpr int kGsoType = 3;
inline constexpr int kHeaderLength = 4;
inline constexpr int kSegmentSize = 5;
inline constexpr int kChecksumStart = 6;
inline constexpr int kChecksumOffset = 7;
}  // namespace frame

namespace seal_job {
inline constexpr int kStride = 16;
inline constexpr int kFrameOffset = 0;
inline constexpr int kFrameLength = 1;
inline constexpr int kSegmentation = 2;
inline constexpr int kNetworkHeaderLength = 3;
inline constexpr int kHeadersLength = 4;
inline constexpr int kSegmentSize = 5;
inline constexpr int kSegments = 6;
inline constexpr int kChecksumStart = 7;
inline constexpr int kChecksumOffset = 8;
inline constexpr int kSaSlot = 9;
inline constexpr int kSequenceLow = 10;
inline constexpr int kSequenceHigh = 11;
inline constexpr int kSealedOffset = 12;
inline constexpr int kNextHeader = 13;
inline constexpr int kStatus = 14;
inline constexpr int kPaddedLength = 15;
}  // namespace seal_job

namespace datagram_out {
inline constexpr int kStride = 8;
inline constexpr int kOffset = 0;
inline constexpr int kLength = 1;
inline constexpr int kSegmentLength = 2;
inline constexpr int kEndpoint = 3;
inline constexpr int kTrafficClass = 4;
inline constexpr int kStatus = 5;
inline constexpr int kDontFragment = 6;
}  // namespace datagram_out

namespace datagram_in {
inline constexpr int kStride = 8;
inline constexpr int kOffset = 0;
inline constexpr int kLength = 1;
inline constexpr int kSegmentLength = 2;
inline constexpr int kSocket = 3;
inline constexpr int kTrafficClass = 4;
inline constexpr int kSourcePort = 5;
inline constexpr int kFamily = 6;
}  // namespace datagram_in

namespace path_report {
inline constexpr int kStride = 8;
inline constexpr int kOrigin = 0;
inline constexpr int kMtu = 1;
inline constexpr int kFamily = 2;
inline constexpr int kPort = 3;
inline constexpr int kQuotedBytes = 4;
inline constexpr int kSpi = 5;
inline constexpr int kSequence = 6;
}  // namespace path_report

namespace open_job {
inline constexpr int kStride = 8;
inline constexpr int kOffset = 0;
inline constexpr int kLength = 1;
inline constexpr int kSaSlot = 2;
inline constexpr int kSequenceHigh = 3;
inline constexpr int kStatus = 4;
inline constexpr int kDatagram = 5;
}  // namespace open_job

namespace inner_packet {
inline constexpr int kStride = 2;
inline constexpr int kOffset = 0;
inline constexpr int kLength = 1;
}  // namespace inner_packet

namespace out_frame {
inline constexpr int kStride = 8;
inline constexpr int kFirstVector = 0;
inline constexpr int kVectorCount = 1;
inline constexpr int kFlags = 2;
inline constexpr int kGsoType = 3;
inline constexpr int kHeaderLength = 4;
inline constexpr int kSegmentSize = 5;
inline constexpr int kChecksumStart = 6;
inline constexpr int kChecksumOffset = 7;
}  // namespace out_frame

namespace vector {
inline constexpr int kStride = 2;
inline constexpr int kOffset = 0;
inline constexpr int kLength = 1;
}  // namespace vector

// VIRTIO_NET_HDR_GSO_*; linux/virtio_net.h cannot be included in C++ (it has a field named `class`).
namespace gso_type {
inline constexpr int kNone = 0;
inline constexpr int kTcp4 = 1;
inline constexpr int kUdp = 3;
inline constexpr int kTcp6 = 4;
inline constexpr int kUdpL4 = 5;
inline constexpr int kEcnFlag = 0x80;
}  // namespace gso_type

namespace path_origin {
inline constexpr int kNone = 0;
inline constexpr int kLocal = 1;
inline constexpr int kIcmp = 2;
}  // namespace path_origin

namespace segmentation {
inline constexpr int kNone = 0;
inline constexpr int kTcp = 1;
inline constexpr int kUdp = 2;
}  // namespace segmentation

namespace job_status {
inline constexpr int kOk = 0;
inline constexpr int kIcvMismatch = 1;
inline constexpr int kGuard = 2;
inline constexpr int kNoSa = 3;
}  // namespace job_status

inline constexpr int kNeedsChecksum = 1;
inline constexpr int kAddressCellBytes = 16;
inline constexpr int kReceiveSlotBytes = 65536;
inline constexpr int kMaxFrameBytes = 65536;

// A table of int32 rows. Row() does not check: callers compare with `rows` once per call, not per row.
template <int Stride>
struct Table {
  int32_t* cells = nullptr;
  int32_t rows = 0;

  int32_t* Row(int32_t index) const { return cells + static_cast<ptrdiff_t>(index) * Stride; }
};

struct BatchMemory {
  uint8_t* arena = nullptr;
  int64_t arenaBytes = 0;

  // Region of the frames read from the TUN.
  int64_t framesOffset = 0;
  int64_t frameBytes = 0;
  // Region of the sealed packets, up to `receivedOffset`.
  int64_t sealedOffset = 0;
  int64_t sealedBytes = 0;
  // Region of the receive slots, kReceiveSlotBytes each, one per row of datagramsIn.
  int64_t receivedOffset = 0;

  Table<frame::kStride> frames;
  Table<seal_job::kStride> sealJobs;
  Table<datagram_out::kStride> datagramsOut;
  Table<datagram_in::kStride> datagramsIn;
  Table<open_job::kStride> openJobs;
  Table<inner_packet::kStride> innerPackets;
  Table<out_frame::kStride> outFrames;
  Table<vector::kStride> vectors;
  // Ends at the first row whose origin is kNone.
  Table<path_report::kStride> pathReports;
  // kAddressCellBytes for each row of datagramsIn.
  uint8_t* sources = nullptr;
  // The same; all zeros where the kernel did not say.
  uint8_t* destinations = nullptr;
  // The destinations of what the reports speak of, kAddressCellBytes for each row of pathReports.
  uint8_t* reportAddresses = nullptr;
  double* clock = nullptr;

  // True where offset … offset + length - 1 lies in the arena. 64-bit arguments: int32 cells cannot overflow it.
  bool Contains(int64_t offset, int64_t length) const {
    return offset >= 0 && length >= 0 && offset <= arenaBytes && length <= arenaBytes - offset;
  }
};

// True where rows 0 … count - 1 exist in the table.
template <int Stride>
constexpr bool HasRows(const Table<Stride>& table, int64_t count) {
  return count >= 0 && count <= table.rows;
}

}  // namespace isthmus
