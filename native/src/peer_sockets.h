// A second socket beside each that listens, of the same address and port, connected to the peer that sends most. The kernel
// finds a datagram's route by a connected socket (early demultiplexing) in place of looking it up, there and back, for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "batch_memory.h"
#include "udp_socket.h"

namespace isthmus {

class PeerSockets {
 public:
  // Borrows the memory and the sockets.
  PeerSockets(const BatchMemory& memory, const std::vector<SocketHandle>& sockets);

  // Much is expected from where datagram `row` of the last receive came from. Said of one source twice without another
  // between, it gets the socket. What others send comes by the one that listens, and so does everything where the
  // kernel refuses: it is slower, and nothing else.
  void ExpectMoreFrom(int32_t row);

 private:
  // Beside the listening socket of the same place in the table.
  struct Beside {
    // The peer's socket; -1 = none.
    int fd = -1;
    SocketAddress expected;
    SocketAddress connected;
  };

  // The address that the peer sends to; of no family where it cannot be bound.
  SocketAddress LocalAddressOf(size_t socket, int32_t row) const;

  const BatchMemory& memory_;
  const std::vector<SocketHandle>& sockets_;
  std::vector<Beside> beside_;
};

}  // namespace isthmus
