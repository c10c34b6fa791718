// Feeds packets to a Coalescer and reads its frames.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/coalescing.h"
#include "support_memory.h"
#include "support_packets.h"

namespace isthmus::test {

struct FrameRead {
  int32_t vectorCount;
  int32_t flags;
  int32_t gsoType;
  int32_t headerLength;
  int32_t segmentSize;
  int32_t checksumStart;
  int32_t checksumOffset;
  Bytes bytes;
};

class CoalesceFixture {
 public:
  explicit CoalesceFixture(CoalescingOptions options = {.tcp = true, .udp = true});

  // The same objects are used again and again: nothing may be left of the call before.
  std::vector<FrameRead> Run(const std::vector<Bytes>& packets);
  // Lengths of the frames' vector runs: {2, 1} says two packets joined, then one alone.
  std::vector<int32_t> Shape(const std::vector<PacketFields>& packets);

  TestMemory& Memory() { return memory_; }

 private:
  TestMemory memory_;
  Coalescer coalescer_;
};

// Cuts a joined frame again, with the engine's own cutting.
std::vector<Bytes> CutAgain(const FrameRead& frame);

}  // namespace isthmus::test
