// Reads and writes batches of frames on one TUN queue. All buffers are the batch memory's; nothing is
// allocated per call.
#pragma once

#include <climits>
#include <string>
#include <sys/uio.h>

#include <array>

#include "batch_memory.h"
#include "system_failure.h"
#include "tun_device.h"

namespace isthmus {

class TunQueue {
 public:
  // Borrows the memory and the descriptor. fd -1: no TUN, Read and Write do nothing.
  TunQueue(const BatchMemory& memory, int fd);

  // Fills Frame rows until nothing waits or the region is full; packets start on multiples of 64 bytes
  // from framesOffset. A failure is returned only with no frame read: after frames it comes on the next call.
  BatchResult Read();

  // Writes OutFrame rows 0 … count - 1. Returns how many the kernel took; a frame that it refuses (EINVAL,
  // ENOBUFS, EIO while the interface is down) is skipped. A row out of bounds ends the call; rows before it
  // have been written.
  BatchResult Write(int32_t count);

 private:
  // Fills vectors_ for the row; the number of vectors, 0 where the row is out of bounds.
  int Gather(const int32_t* row);

  const BatchMemory& memory_;
  const int fd_;
  const std::string device_;
  VirtioNetHeader header_{};
  // [0] is header_.
  std::array<iovec, IOV_MAX> vectors_{};
};

}  // namespace isthmus
