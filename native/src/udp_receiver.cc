#include "udp_receiver.h"

#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace isthmus {

namespace {

// Pending ICMP errors taken from one socket in one call; more wait for the next.
constexpr int kMaxPassedOver = 8;

// Of so many turns the sockets marked seldom are read in one, whatever poll() has said.
constexpr uint32_t kSeldomTurns = 32;

// Enough to empty a full receive buffer.
constexpr int32_t kMostTurnsBehind = 128;

// A call takes this many datagrams at a time, and no more once it has so many bytes: what was received is still in
// the processor's second cache when it is decrypted and written to the TUN. Short datagrams fill the whole batch.
constexpr int32_t kDatagramsAtOnce = 8;
constexpr int64_t kBudgetBytes = 256 * 1024;

// Errors of the descriptor itself. All others come from the network or pass by themselves.
bool IsFatal(int error) { return error == EBADF || error == ENOTSOCK || error == EINVAL || error == EFAULT; }

// What the kernel says beside the bytes. 0 where it says nothing.
struct ControlData {
  int segmentLength = 0;
  int trafficClass = 0;
  // As in the outer header, also where the socket is bound to the wildcard address.
  uint8_t destination[kAddressCellBytes] = {};
};

ControlData ReadControls(msghdr& message) {
  ControlData data;
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
    const int level = control->cmsg_level;
    const int type = control->cmsg_type;
    const uint8_t* bytes = CMSG_DATA(control);
    if (level == IPPROTO_UDP && type == UDP_GRO) {
      std::memcpy(&data.segmentLength, bytes, sizeof(data.segmentLength));
    } else if (level == IPPROTO_IP && type == IP_TOS) {
      // One byte, not an int as in IPv6.
      data.trafficClass = *bytes;
    } else if (level == IPPROTO_IPV6 && type == IPV6_TCLASS) {
      std::memcpy(&data.trafficClass, bytes, sizeof(data.trafficClass));
    } else if (level == IPPROTO_IP && type == IP_PKTINFO) {
      std::memcpy(data.destination, bytes + offsetof(in_pktinfo, ipi_addr), sizeof(in_addr));
    } else if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO) {
      std::memcpy(data.destination, bytes + offsetof(in6_pktinfo, ipi6_addr), sizeof(in6_addr));
    }
  }
  return data;
}

}  // namespace

UdpReceiver::UdpReceiver(const BatchMemory& memory, const std::vector<SocketHandle>& sockets, UdpErrorQueue& errors)
    : memory_(memory),
      sockets_(sockets),
      errors_(errors),
      isDue_(sockets.size(), true),
      messages_(static_cast<size_t>(memory.datagramsIn.rows)),
      slots_(messages_.size()),
      sources_(messages_.size()),
      controls_(messages_.size()) {
  for (size_t i = 0; i < sockets.size(); i++) {
    isSeldom_.push_back(sockets[i].seldom || (sockets[i].place != i && !IsBound(sockets[i].fd)));
  }
  for (size_t i = 0; i < messages_.size(); i++) {
    uint8_t* slot = memory.arena + memory.receivedOffset + static_cast<ptrdiff_t>(i) * kReceiveSlotBytes;
    slots_[i] = iovec{slot, kReceiveSlotBytes};
    msghdr& header = messages_[i].msg_hdr;
    header.msg_name = &sources_[i];
    header.msg_iov = &slots_[i];
    header.msg_iovlen = 1;
    header.msg_control = &controls_[i];
  }
}

void UdpReceiver::ReadBehind(ConnectedSocket connected) {
  isSeldom_[connected.socket] = false;
  behind_ = connected;
  turnsBehind_ = kMostTurnsBehind;
}

BatchResult UdpReceiver::Receive() {
  int32_t count = 0;
  int fatal = 0;
  size_t fatalSocket = 0;
  if (turnsToSeldom_-- == 0) {
    turnsToSeldom_ = kSeldomTurns - 1;
    isDue_.assign(sockets_.size(), true);
  }
  const size_t first = turnsBehind_ > 0 ? behind_.listening : turn_;
  for (size_t i = 0; i < sockets_.size() && count < memory_.datagramsIn.rows; i++) {
    const size_t socket = (first + i) % sockets_.size();
    if (isSeldom_[socket] && !isDue_[socket]) continue;
    if (turnsBehind_ > 0 && socket == behind_.socket) continue;
    const int received = ReceiveFrom(socket, count);
    isDue_[socket] = received != 0;
    if (turnsBehind_ > 0 && socket == behind_.listening) turnsBehind_ = received == 0 ? 0 : turnsBehind_ - 1;
    if (received >= 0) {
      count += received;
    } else if (fatal == 0) {
      fatal = -received;
      fatalSocket = socket;
    }
  }
  if (!sockets_.empty()) turn_ = (turn_ + 1) % sockets_.size();
  if (count == 0 && fatal != 0) return SystemFailure{fatal, "recvmmsg", sockets_[fatalSocket].device};
  return count;
}

int UdpReceiver::ReceiveFrom(size_t socket, int32_t first) {
  int32_t count = 0;
  int64_t bytes = 0;
  while (bytes < kBudgetBytes && first + count < memory_.datagramsIn.rows) {
    const int32_t wanted = std::min(kDatagramsAtOnce, memory_.datagramsIn.rows - first - count);
    const int received = TakeFrom(socket, first + count, wanted);
    // What came before the failure is work; a lasting failure comes again.
    if (received < 0 && count == 0) return received;
    for (int32_t i = 0; i < received; i++) bytes += memory_.datagramsIn.Row(first + count + i)[datagram_in::kLength];
    count += std::max(received, 0);
    if (received < wanted) break;
  }
  return count;
}

int UdpReceiver::TakeFrom(size_t socket, int32_t first, int32_t wanted) {
  // The kernel overwrites these with what it filled.
  for (int32_t i = first; i < first + wanted; i++) {
    msghdr& header = messages_[static_cast<size_t>(i)].msg_hdr;
    header.msg_namelen = sizeof(sockaddr_in6);
    header.msg_controllen = sizeof(Control);
  }
  for (int attempt = 0; attempt < kMaxPassedOver; attempt++) {
    const int received = ::recvmmsg(sockets_[socket].fd, &messages_[static_cast<size_t>(first)],
                                    static_cast<unsigned>(wanted), MSG_DONTWAIT, nullptr);
    if (received >= 0) {
      for (int32_t i = first; i < first + received; i++) FillRow(socket, i);
      return received;
    }
    if (errno == EAGAIN) return 0;
    if (IsFatal(errno)) return -errno;
    errors_.Note(socket);
  }
  return 0;
}

void UdpReceiver::FillRow(size_t socket, int32_t index) {
  mmsghdr& message = messages_[static_cast<size_t>(index)];
  const int32_t length =
      (message.msg_hdr.msg_flags & MSG_TRUNC) != 0 ? 0 : static_cast<int32_t>(message.msg_len);
  const ControlData control = ReadControls(message.msg_hdr);

  int32_t* row = memory_.datagramsIn.Row(index);
  row[datagram_in::kOffset] = static_cast<int32_t>(memory_.receivedOffset + int64_t{index} * kReceiveSlotBytes);
  row[datagram_in::kLength] = length;
  row[datagram_in::kSegmentLength] = control.segmentLength < length ? control.segmentLength : 0;
  row[datagram_in::kSocket] = static_cast<int32_t>(sockets_[socket].place);
  row[datagram_in::kTrafficClass] = control.trafficClass;

  const sockaddr_in6& source = sources_[static_cast<size_t>(index)];
  const ptrdiff_t cellOffset = static_cast<ptrdiff_t>(index) * kAddressCellBytes;
  std::memcpy(memory_.destinations + cellOffset, control.destination, kAddressCellBytes);
  uint8_t* cell = memory_.sources + cellOffset;
  if (sockets_[socket].family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &source, sizeof(ipv4));
    std::memcpy(cell, &ipv4.sin_addr, sizeof(ipv4.sin_addr));
    row[datagram_in::kSourcePort] = ntohs(ipv4.sin_port);
    row[datagram_in::kFamily] = 4;
  } else {
    std::memcpy(cell, &source.sin6_addr, sizeof(source.sin6_addr));
    row[datagram_in::kSourcePort] = ntohs(source.sin6_port);
    row[datagram_in::kFamily] = 6;
  }
}

}  // namespace isthmus
