// Receives a batch of datagrams, or of trains that UDP_GRO joined, from several sockets.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>
#include <vector>

#include "batch_memory.h"
#include "peer_sockets.h"
#include "system_failure.h"
#include "udp_error_queue.h"
#include "udp_socket.h"

namespace isthmus {

class UdpReceiver {
 public:
  // Borrows the memory, the sockets and their errors.
  UdpReceiver(const BatchMemory& memory, const std::vector<SocketHandle>& sockets, UdpErrorQueue& errors);

  // Fills DatagramIn rows, their sources and destinations; the datagram of row i lies in receive slot i. The
  // sockets take turns in being first. A datagram longer than its slot, which no IP version can carry, gets length 0, so that
  // no half of one is ever used. Errors that a peer or a router can cause (ICMP) are noted and passed over; any other is
  // returned where nothing was received, and otherwise comes on the next call.
  //
  // A socket that is marked seldom costs no system call in every turn: it is read after Note(), for as long as it
  // holds something, and in one turn of 32, so that a loop too busy to poll reads it too.
  BatchResult Receive();

  // poll() says that the socket can be read.
  void Note(size_t socket) { isDue_[socket] = true; }

  // From now on what a peer sends comes by a socket of its own. What waits in the one that listens was sent before: it is read
  // first, until nothing is left, or for so many turns that strangers cannot hold up the peer.
  void ReadBehind(ConnectedSocket connected);

 private:
  struct alignas(cmsghdr) Control {
    // Packet info, traffic class and UDP_GRO, the IPv6 forms of which need 88 bytes.
    char bytes[128];
  };

  // Receives from one socket into the rows from `first`, until there is no more or enough for one batch. Returns the
  // number of rows, or a negative errno.
  int ReceiveFrom(size_t socket, int32_t first);
  // The same with one system call for at most `wanted` rows.
  int TakeFrom(size_t socket, int32_t first, int32_t wanted);
  void FillRow(size_t socket, int32_t index);

  const BatchMemory& memory_;
  const std::vector<SocketHandle>& sockets_;
  UdpErrorQueue& errors_;
  size_t turn_ = 0;
  uint32_t turnsToSeldom_ = 0;
  // Read in this turn, though it is marked seldom.
  std::vector<bool> isDue_;
  // Marked so, or the socket of no peer yet.
  std::vector<bool> isSeldom_;
  ConnectedSocket behind_;
  // In which behind_ waits.
  int32_t turnsBehind_ = 0;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> slots_;
  std::vector<sockaddr_in6> sources_;
  std::vector<Control> controls_;
};

}  // namespace isthmus
