// The clock of the batch memory: CLOCK_MONOTONIC, the epoch of process.hrtime.
#pragma once

#include <time.h>

namespace isthmus {

inline double MonotonicMs() {
  timespec now{};
  // Cannot fail: the clock exists on every Linux and the pointer is valid.
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

}  // namespace isthmus
