#include "tun_queue.h"

#include <cerrno>

namespace isthmus {

namespace {

constexpr int64_t kPacketAlignment = 64;

// Errors of a read that cost one frame and leave the device usable: a frame longer than the room, or one
// whose offload the virtio-net header cannot express. The kernel has taken the frame from its queue.
bool IsLostFrame(int error) { return error == EFAULT || error == EINVAL; }

}  // namespace

TunQueue::TunQueue(const BatchMemory& memory, int fd)
    : memory_(memory), fd_(fd), device_(fd < 0 ? std::string("no device") : TunName(fd)) {
  vectors_[0] = iovec{&header_, sizeof(header_)};
}

BatchResult TunQueue::Read() {
  if (fd_ < 0) return 0;
  int32_t count = 0;
  int64_t position = memory_.framesOffset;
  const int64_t end = memory_.framesOffset + memory_.frameBytes;
  // Lost frames are bounded too, so that a call always ends.
  for (int32_t reads = 0; reads < 2 * memory_.frames.rows; reads++) {
    if (count == memory_.frames.rows || end - position < kMaxFrameBytes) break;
    vectors_[1] = iovec{memory_.arena + position, kMaxFrameBytes};
    const ssize_t bytes = ::readv(fd_, vectors_.data(), 2);
    if (bytes < 0) {
      if (errno == EINTR || IsLostFrame(errno)) continue;
      if (errno == EAGAIN || count > 0) break;
      return SystemFailure{errno, "readv", device_};
    }
    const int64_t length = bytes - static_cast<int64_t>(sizeof(header_));
    if (length < 0) continue;
    int32_t* row = memory_.frames.Row(count++);
    row[frame::kOffset] = static_cast<int32_t>(position);
    row[frame::kLength] = static_cast<int32_t>(length);
    row[frame::kFlags] = header_.flags;
    row[frame::kGsoType] = header_.gsoType;
    row[frame::kHeaderLength] = header_.headerLength;
    row[frame::kSegmentSize] = header_.segmentSize;
    row[frame::kChecksumStart] = header_.checksumStart;
    row[frame::kChecksumOffset] = header_.checksumOffset;
    position += (length + kPacketAlignment - 1) / kPacketAlignment * kPacketAlignment;
  }
  return count;
}

int TunQueue::Gather(const int32_t* row) {
  const int64_t first = row[out_frame::kFirstVector];
  const int64_t count = row[out_frame::kVectorCount];
  if (first < 0 || count < 1 || count > IOV_MAX - 1 || first + count > memory_.vectors.rows) return 0;
  for (int64_t i = 0; i < count; i++) {
    const int32_t* cells = memory_.vectors.Row(static_cast<int32_t>(first + i));
    const int64_t offset = cells[vector::kOffset];
    const int64_t length = cells[vector::kLength];
    if (!memory_.Contains(offset, length)) return 0;
    vectors_[static_cast<size_t>(i) + 1] = iovec{memory_.arena + offset, static_cast<size_t>(length)};
  }
  return static_cast<int>(count) + 1;
}

BatchResult TunQueue::Write(int32_t count) {
  if (!HasRows(memory_.outFrames, count)) return RowViolation{"OutFrame", count, "count"};
  if (fd_ < 0) return 0;
  int32_t written = 0;
  for (int32_t i = 0; i < count; i++) {
    const int32_t* row = memory_.outFrames.Row(i);
    const int vectors = Gather(row);
    if (vectors == 0) return RowViolation{"OutFrame", i, "vectors"};
    header_.flags = static_cast<uint8_t>(row[out_frame::kFlags]);
    header_.gsoType = static_cast<uint8_t>(row[out_frame::kGsoType]);
    header_.headerLength = static_cast<uint16_t>(row[out_frame::kHeaderLength]);
    header_.segmentSize = static_cast<uint16_t>(row[out_frame::kSegmentSize]);
    header_.checksumStart = static_cast<uint16_t>(row[out_frame::kChecksumStart]);
    header_.checksumOffset = static_cast<uint16_t>(row[out_frame::kChecksumOffset]);
    ssize_t bytes = 0;
    do {
      bytes = ::writev(fd_, vectors_.data(), vectors);
    } while (bytes < 0 && errno == EINTR);
    if (bytes >= 0) {
      written++;
    } else if (errno == EBADF || errno == EBADFD) {
      // The device is gone, which Read reports.
      break;
    }
  }
  return written;
}

}  // namespace isthmus
