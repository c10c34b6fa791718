#include "support_memory.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define ISTHMUS_POISON(address, length) ASAN_POISON_MEMORY_REGION(address, length)
#define ISTHMUS_UNPOISON(address, length) ASAN_UNPOISON_MEMORY_REGION(address, length)
#else
#define ISTHMUS_POISON(address, length) static_cast<void>(address)
#define ISTHMUS_UNPOISON(address, length) static_cast<void>(address)
#endif

namespace isthmus::test {

namespace {

template <int Stride>
void Attach(Table<Stride>& table, std::vector<int32_t>& cells, int32_t rows) {
  cells.assign(static_cast<size_t>(rows) * Stride, 0);
  table.cells = cells.data();
  table.rows = rows;
}

}  // namespace

TestMemory::TestMemory(int32_t arenaBytes, int32_t rows) : arena_(static_cast<size_t>(arenaBytes)) {
  memory_.arena = arena_.data();
  memory_.arenaBytes = arenaBytes;
  Attach(memory_.sealJobs, sealJobs_, rows);
  Attach(memory_.openJobs, openJobs_, rows);
  Attach(memory_.innerPackets, innerPackets_, rows);
  Attach(memory_.outFrames, outFrames_, rows);
  Attach(memory_.vectors, vectors_, rows);
}

TestMemory::~TestMemory() { Clear(); }

int32_t TestMemory::Place(const Bytes& bytes, int32_t alignment) {
  next_ = (next_ + 7) / 8 * 8 + alignment;
  const int32_t offset = Reserve(static_cast<int32_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(arena_.data() + offset, bytes.data(), bytes.size());
  return offset;
}

int32_t TestMemory::Reserve(int32_t length) {
  const int32_t offset = next_;
  if (!memory_.Contains(offset, length)) {
    std::fprintf(stderr, "the test's arena is too small\n");
    std::abort();
  }
  placed_.push_back({offset, length});
  // At least one byte between any two.
  next_ += length + 1;
  return offset;
}

void TestMemory::Clear() {
  ISTHMUS_UNPOISON(arena_.data(), arena_.size());
  placed_.clear();
  next_ = 0;
}

void TestMemory::PoisonGaps() {
  ISTHMUS_POISON(arena_.data(), arena_.size());
  for (const Range& range : placed_) {
    ISTHMUS_UNPOISON(arena_.data() + range.offset, static_cast<size_t>(range.length));
  }
}

Bytes TestMemory::Read(int64_t offset, int64_t length) const {
  const auto start = arena_.begin() + offset;
  return Bytes(start, start + length);
}

}  // namespace isthmus::test
