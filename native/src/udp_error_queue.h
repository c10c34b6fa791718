// Reads what the network and the kernel say of datagrams that were too big: RFC 1191, RFC 8201, and the local
// device's own limit. It believes and decides nothing: src/dataplane/path-mtu.ts does.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "batch_memory.h"
#include "udp_socket.h"

namespace isthmus {

class UdpErrorQueue {
 public:
  // Borrows the memory and the sockets.
  UdpErrorQueue(const BatchMemory& memory, const std::vector<SocketHandle>& sockets);

  // A socket answered with an error, or poll() said so: its queue may hold something.
  void Note(size_t socket) { pending_[socket] = true; }

  // Fills PathReport rows from the queues that were noted, and marks their end. What finds no row waits for the
  // next call. Errors that say nothing of the path MTU are passed over.
  void Read();

 private:
  // Returns false where the queue is empty.
  bool ReadOne(size_t socket, int32_t* row, uint8_t* address);

  const BatchMemory& memory_;
  const std::vector<SocketHandle>& sockets_;
  std::vector<bool> pending_;
};

}  // namespace isthmus
