// A batch memory of the tests' own. Its arena is one heap block, and bytes that no packet was placed on can be
// poisoned, so that the address sanitizer sees a step outside a packet, not only one outside the arena.
#pragma once

#include <cstdint>
#include <vector>

#include "batch_memory.h"
#include "support_packets.h"

namespace isthmus::test {

class TestMemory {
 public:
  TestMemory(int32_t arenaBytes, int32_t rows);
  ~TestMemory();
  TestMemory(const TestMemory&) = delete;
  TestMemory& operator=(const TestMemory&) = delete;

  const BatchMemory& Get() const { return memory_; }
  uint8_t* Arena() { return arena_.data(); }
  int32_t Rows() const { return memory_.innerPackets.rows; }

  // Copies bytes to the next free place, `alignment` bytes past a multiple of 8, and returns the offset.
  int32_t Place(const Bytes& bytes, int32_t alignment = 0);
  // Leaves room for that many bytes and returns the offset.
  int32_t Reserve(int32_t length);
  // Makes everything readable and writable, and the next place the first.
  void Clear();
  // Forbids whatever was not placed or reserved; only under the address sanitizer.
  void PoisonGaps();
  Bytes Read(int64_t offset, int64_t length) const;

  int32_t* SealJob(int32_t row) { return memory_.sealJobs.Row(row); }
  int32_t* OpenJob(int32_t row) { return memory_.openJobs.Row(row); }
  int32_t* InnerPacket(int32_t row) { return memory_.innerPackets.Row(row); }
  int32_t* OutFrame(int32_t row) { return memory_.outFrames.Row(row); }
  int32_t* VectorRow(int32_t row) { return memory_.vectors.Row(row); }

 private:
  struct Range {
    int32_t offset;
    int32_t length;
  };

  std::vector<uint8_t> arena_;
  std::vector<int32_t> sealJobs_, openJobs_, innerPackets_, outFrames_, vectors_;
  std::vector<Range> placed_;
  int32_t next_ = 0;
  BatchMemory memory_;
};

}  // namespace isthmus::test
