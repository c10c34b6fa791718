// Sends a batch of datagrams and trains: sendmmsg over runs of rows with one socket, UDP_SEGMENT for trains.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "batch_memory.h"
#include "system_failure.h"
#include "udp_error_queue.h"
#include "udp_socket.h"

namespace isthmus {

class UdpSender {
 public:
  // Borrows the memory, the sockets and their errors.
  UdpSender(const BatchMemory& memory, const std::vector<SocketHandle>& sockets, UdpErrorQueue& errors);

  // Where datagrams for an endpoint go. The caller has checked the socket index and that the family is the
  // socket's. The table grows here and nowhere else.
  void SetEndpoint(size_t endpoint, size_t socket, const SocketAddress& address);

  // Sends DatagramOut rows 0 … count - 1 in order and writes each row's status: 0, or the errno of the first
  // datagram of the row that was not sent. Waits for buffer space, 20 ms in one call at most, then gives EAGAIN.
  // A train that cannot go whole (a segment above the route's MTU, a device without checksum offload, a socket
  // without GSO) goes segment by segment, and IP fragments what is still too long.
  // A socket answers once with what an ICMP message said of an earlier datagram; so each refusal is tried once more.
  // A row out of bounds is found before anything is sent.
  std::optional<RowViolation> Send(int32_t count);

 private:
  static constexpr size_t kMessages = 128;

  struct alignas(cmsghdr) Control {
    // UDP_SEGMENT and the traffic class.
    char bytes[CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(int))];
  };
  struct Endpoint {
    bool isSet = false;
    size_t socket = 0;
    SocketAddress address;
    // After a refusal, trains with segments of `splitFromLength` and more are split, for so many trains. Then
    // one is tried whole again, because routes and devices change.
    int32_t splitFromLength = INT32_MAX;
    int32_t trainsToSplit = 0;
  };
  // The place in the batch up to which everything has been sent.
  struct Position {
    int32_t row = 0;
    int32_t sentBytes = 0;
  };

  // The name of the field that is out of bounds, or null.
  const char* FindViolation(const int32_t* row) const;
  // Prepares messages from `position` on, all for one socket and one DF. Returns their number.
  size_t Fill(Position position, int32_t count);
  void FillMessage(size_t index, Position position, int32_t bytes, const Endpoint& endpoint);
  void SendFilled(size_t filled, Position& position);
  // True where the train is to be sent again in pieces.
  bool SplitAfter(int error, const int32_t* row, size_t bytes);
  bool WaitForSpace(int fd);
  void UseDontFragment(size_t socket, bool wanted);

  const BatchMemory& memory_;
  const std::vector<SocketHandle>& sockets_;
  UdpErrorQueue& errors_;
  // As each socket has it now; DF is an option of the socket, and no control message sets it.
  std::vector<bool> dontFragment_;
  std::vector<Endpoint> endpoints_;
  // Monotonic ms at which this call stops waiting for buffer space; 0 where it has not waited.
  double deadlineMs_ = 0;
  std::array<mmsghdr, kMessages> messages_{};
  std::array<iovec, kMessages> vectors_{};
  std::array<Control, kMessages> controls_{};
  std::array<int32_t, kMessages> rows_{};
};

}  // namespace isthmus
