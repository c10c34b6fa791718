#include "udp_sender.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "monotonic_clock.h"

namespace isthmus {

namespace {

constexpr double kSpaceWaitMs = 20;
// A refused train has cost a copy in the kernel; one try in so many costs nothing that can be measured.
constexpr int32_t kTrainsBetweenTries = 256;

bool IsTrain(const int32_t* row) {
  return row[datagram_out::kSegmentLength] > 0 &&
         row[datagram_out::kLength] > row[datagram_out::kSegmentLength];
}

// Appends a control message to what `header` has; its buffer is large enough for the two that are used.
template <typename T>
void AddControl(msghdr& header, int level, int type, T value) {
  auto* control = reinterpret_cast<cmsghdr*>(static_cast<char*>(header.msg_control) + header.msg_controllen);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof(value));
  std::memcpy(CMSG_DATA(control), &value, sizeof(value));
  header.msg_controllen += CMSG_SPACE(sizeof(value));
}

}  // namespace

UdpSender::UdpSender(const BatchMemory& memory, const std::vector<SocketHandle>& sockets, UdpErrorQueue& errors)
    : memory_(memory), sockets_(sockets), errors_(errors), dontFragment_(sockets.size(), false) {
  // A socket may have been left in the other state by the worker before.
  for (size_t socket = 0; socket < sockets.size(); socket++) SetDontFragment(sockets[socket], false);
  for (size_t i = 0; i < kMessages; i++) {
    msghdr& header = messages_[i].msg_hdr;
    header.msg_iov = &vectors_[i];
    header.msg_iovlen = 1;
    header.msg_control = &controls_[i];
  }
}

void UdpSender::SetEndpoint(size_t endpoint, size_t socket, const SocketAddress& address) {
  if (endpoint >= endpoints_.size()) endpoints_.resize(endpoint + 1);
  endpoints_[endpoint] = Endpoint{true, socket, address};
}

const char* UdpSender::FindViolation(const int32_t* row) const {
  const int32_t endpoint = row[datagram_out::kEndpoint];
  const int32_t trafficClass = row[datagram_out::kTrafficClass];
  const int32_t segmentLength = row[datagram_out::kSegmentLength];
  if (!memory_.Contains(row[datagram_out::kOffset], row[datagram_out::kLength])) return "offset and length";
  if (segmentLength < 0 || segmentLength > UINT16_MAX) return "segmentLength";
  const int32_t dontFragment = row[datagram_out::kDontFragment];
  if (dontFragment < 0 || dontFragment > 1) return "dontFragment";
  if (trafficClass < 0 || trafficClass > UINT8_MAX) return "trafficClass";
  if (endpoint < 0 || static_cast<size_t>(endpoint) >= endpoints_.size()) return "endpoint";
  if (!endpoints_[static_cast<size_t>(endpoint)].isSet) return "endpoint";
  return nullptr;
}

std::optional<RowViolation> UdpSender::Send(int32_t count) {
  if (!HasRows(memory_.datagramsOut, count)) return RowViolation{"DatagramOut", count, "count"};
  for (int32_t i = 0; i < count; i++) {
    if (const char* field = FindViolation(memory_.datagramsOut.Row(i))) {
      return RowViolation{"DatagramOut", i, field};
    }
  }
  deadlineMs_ = 0;
  Position position;
  while (position.row < count) SendFilled(Fill(position, count), position);
  return std::nullopt;
}

size_t UdpSender::Fill(Position position, int32_t count) {
  size_t filled = 0;
  size_t socket = 0;
  int32_t dontFragment = 0;
  while (position.row < count && filled < kMessages) {
    const int32_t* row = memory_.datagramsOut.Row(position.row);
    Endpoint& endpoint = endpoints_[static_cast<size_t>(row[datagram_out::kEndpoint])];
    if (filled == 0) {
      socket = endpoint.socket;
      dontFragment = row[datagram_out::kDontFragment];
    }
    if (endpoint.socket != socket || row[datagram_out::kDontFragment] != dontFragment) break;

    int32_t bytes = row[datagram_out::kLength] - position.sentBytes;
    if (IsTrain(row)) {
      const int32_t segmentLength = row[datagram_out::kSegmentLength];
      const bool refused = endpoint.trainsToSplit > 0 && segmentLength >= endpoint.splitFromLength;
      if (position.sentBytes > 0 || refused || !sockets_[socket].gso) bytes = std::min(bytes, segmentLength);
      if (position.sentBytes == 0 && refused) endpoint.trainsToSplit--;
    }
    FillMessage(filled++, position, bytes, endpoint);
    position.sentBytes += bytes;
    if (position.sentBytes >= row[datagram_out::kLength]) position = Position{position.row + 1, 0};
  }
  return filled;
}

void UdpSender::FillMessage(size_t index, Position position, int32_t bytes, const Endpoint& endpoint) {
  const int32_t* row = memory_.datagramsOut.Row(position.row);
  rows_[index] = position.row;
  vectors_[index] = iovec{memory_.arena + row[datagram_out::kOffset] + position.sentBytes,
                          static_cast<size_t>(bytes)};
  msghdr& header = messages_[index].msg_hdr;
  // sendmmsg only reads the address.
  header.msg_name = const_cast<sockaddr*>(&endpoint.address.any);
  header.msg_namelen = endpoint.address.length;
  header.msg_controllen = 0;
  const int32_t segmentLength = row[datagram_out::kSegmentLength];
  if (segmentLength > 0 && bytes > segmentLength) {
    AddControl(header, IPPROTO_UDP, UDP_SEGMENT, static_cast<uint16_t>(segmentLength));
  }
  const int trafficClass = row[datagram_out::kTrafficClass];
  if (trafficClass != 0) {
    const bool isIpv4 = endpoint.address.Family() == AF_INET;
    AddControl(header, isIpv4 ? IPPROTO_IP : IPPROTO_IPV6, isIpv4 ? IP_TOS : IPV6_TCLASS, trafficClass);
  }
}

void UdpSender::SendFilled(size_t filled, Position& position) {
  const int32_t* first = memory_.datagramsOut.Row(position.row);
  const size_t socket = endpoints_[static_cast<size_t>(first[datagram_out::kEndpoint])].socket;
  const int fd = sockets_[socket].fd;
  UseDontFragment(socket, first[datagram_out::kDontFragment] != 0);
  constexpr size_t kNone = SIZE_MAX;
  size_t refused = kNone;
  size_t done = 0;
  while (done < filled) {
    const int sent = ::sendmmsg(fd, &messages_[done], static_cast<unsigned>(filled - done), MSG_DONTWAIT);
    if (sent > 0) {
      for (const size_t end = done + static_cast<size_t>(sent); done < end; done++) {
        int32_t* row = memory_.datagramsOut.Row(position.row);
        position.sentBytes += static_cast<int32_t>(vectors_[done].iov_len);
        if (position.sentBytes < row[datagram_out::kLength]) continue;
        row[datagram_out::kStatus] = 0;
        position = Position{position.row + 1, 0};
      }
      continue;
    }
    const int error = sent < 0 ? errno : EAGAIN;
    if (error == EINTR || (error == EAGAIN && WaitForSpace(fd))) continue;
    errors_.Note(socket);
    if (refused != done) {
      refused = done;
      continue;
    }
    int32_t* row = memory_.datagramsOut.Row(position.row);
    if (SplitAfter(error, row, vectors_[done].iov_len)) return;
    row[datagram_out::kStatus] = error;
    while (done < filled && rows_[done] == position.row) done++;
    position = Position{position.row + 1, 0};
  }
}

bool UdpSender::SplitAfter(int error, const int32_t* row, size_t bytes) {
  const int32_t segmentLength = row[datagram_out::kSegmentLength];
  const bool wasWhole = IsTrain(row) && bytes > static_cast<size_t>(segmentLength);
  // A segment above the route's MTU is EMSGSIZE, and EINVAL before Linux 6.14; so are too many segments.
  // No checksum offload on the device is EIO, whatever the length.
  if (!wasWhole || (error != EMSGSIZE && error != EINVAL && error != EIO)) return false;
  Endpoint& endpoint = endpoints_[static_cast<size_t>(row[datagram_out::kEndpoint])];
  endpoint.splitFromLength = error == EIO ? 0 : segmentLength;
  // One more: this train takes the first.
  endpoint.trainsToSplit = kTrainsBetweenTries + 1;
  return true;
}

void UdpSender::UseDontFragment(size_t socket, bool wanted) {
  if (dontFragment_[socket] == wanted) return;
  SetDontFragment(sockets_[socket], wanted);
  dontFragment_[socket] = wanted;
}

bool UdpSender::WaitForSpace(int fd) {
  const double now = MonotonicMs();
  if (deadlineMs_ == 0) deadlineMs_ = now + kSpaceWaitMs;
  if (now >= deadlineMs_) return false;
  pollfd entry{fd, POLLOUT, 0};
  const int ready = ::poll(&entry, 1, static_cast<int>(deadlineMs_ - now) + 1);
  return ready > 0 || (ready < 0 && errno == EINTR);
}

}  // namespace isthmus
