// A second socket beside each that listens, of the same address and port, connected to the peer that sends most. The kernel
// finds a datagram's route by a connected socket (early demultiplexing) in place of looking it up, there and back, for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "batch_memory.h"
#include "udp_socket.h"

namespace isthmus {

// A socket that got its peer.
struct ConnectedSocket {
  // Its place in the vector of the sockets.
  size_t socket = 0;
  // The one that listens, where what the peer has sent already may wait.
  size_t listening = 0;
};

class PeerSockets {
 public:
  // Borrows the memory and the sockets.
  PeerSockets(const BatchMemory& memory, const std::vector<SocketHandle>& sockets);

  // Much is expected from where datagram `row` of the last receive came from. A source that is named twice without
  // another between gets the socket; one that has it keeps it until it was not named for a while. What others send comes by
  // the one that listens, as does everything where the kernel refuses, or where a peer sends to another of the addresses of a
  // socket that listens on all: the first that was used is the socket's for good.
  std::optional<ConnectedSocket> ExpectMoreFrom(int32_t row);

 private:
  // Beside the listening socket of the same place.
  struct Beside {
    // Place of the peer's socket; that of the listening one where there is none.
    size_t socket = 0;
    SocketAddress expected;
    SocketAddress connected;
    // How often others were named since the connected one was.
    int32_t othersNamed = 0;
  };

  // The address that the peer sends to; of no family where it cannot be bound.
  SocketAddress LocalAddressOf(size_t listening, int32_t row) const;

  const BatchMemory& memory_;
  const std::vector<SocketHandle>& sockets_;
  std::vector<Beside> beside_;
};

}  // namespace isthmus
