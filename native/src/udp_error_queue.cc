#include "udp_error_queue.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/byte_order.h"

namespace isthmus {

namespace {

// linux/icmpv6.h cannot stand beside netinet/in.h.
constexpr int kIcmpv6PacketTooBig = 2;
// Messages looked at in one call and socket; an attacker can make any number of them.
constexpr int kMaxMessages = 32;
// SPI and sequence number, as far as an ICMP message repeats them.
constexpr size_t kQuotedBytes = 8;

// The path_origin of the error; kNone where it is of another kind.
int OriginOf(const sock_extended_err& error) {
  if (error.ee_origin == SO_EE_ORIGIN_LOCAL && error.ee_errno == EMSGSIZE) return path_origin::kLocal;
  const bool isIcmp = error.ee_origin == SO_EE_ORIGIN_ICMP && error.ee_type == ICMP_DEST_UNREACH &&
                      error.ee_code == ICMP_FRAG_NEEDED;
  const bool isIcmpv6 = error.ee_origin == SO_EE_ORIGIN_ICMP6 && error.ee_type == kIcmpv6PacketTooBig;
  return isIcmp || isIcmpv6 ? path_origin::kIcmp : path_origin::kNone;
}

}  // namespace

UdpErrorQueue::UdpErrorQueue(const BatchMemory& memory, const std::vector<SocketHandle>& sockets)
    : memory_(memory), sockets_(sockets), pending_(sockets.size(), true) {}

void UdpErrorQueue::Read() {
  int32_t filled = 0;
  for (size_t socket = 0; socket < sockets_.size(); socket++) {
    for (int message = 0; pending_[socket] && message < kMaxMessages && filled < memory_.pathReports.rows; message++) {
      int32_t* row = memory_.pathReports.Row(filled);
      row[path_report::kOrigin] = path_origin::kNone;
      uint8_t* address = memory_.reportAddresses + static_cast<ptrdiff_t>(filled) * kAddressCellBytes;
      if (!ReadOne(socket, row, address)) {
        pending_[socket] = false;
      } else if (row[path_report::kOrigin] != path_origin::kNone) {
        filled++;
      }
    }
  }
  if (filled < memory_.pathReports.rows) memory_.pathReports.Row(filled)[path_report::kOrigin] = path_origin::kNone;
}

bool UdpErrorQueue::ReadOne(size_t socket, int32_t* row, uint8_t* address) {
  uint8_t quoted[kQuotedBytes] = {};
  sockaddr_in6 destination{};
  alignas(cmsghdr) char control[512];
  iovec vector{quoted, sizeof(quoted)};
  msghdr message{};
  message.msg_name = &destination;
  message.msg_namelen = sizeof(destination);
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t length = ::recvmsg(sockets_[socket].fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
  if (length < 0) return false;

  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    const bool isIpv4 = header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR;
    const bool isIpv6 = header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR;
    if (!isIpv4 && !isIpv6) continue;
    sock_extended_err error;
    std::memcpy(&error, CMSG_DATA(header), sizeof(error));
    row[path_report::kOrigin] = OriginOf(error);
    row[path_report::kMtu] = static_cast<int32_t>(std::min<uint32_t>(error.ee_info, INT32_MAX));
  }
  row[path_report::kQuotedBytes] = static_cast<int32_t>(std::min<size_t>(static_cast<size_t>(length), kQuotedBytes));
  row[path_report::kSpi] = static_cast<int32_t>(LoadBe32(quoted));
  row[path_report::kSequence] = static_cast<int32_t>(LoadBe32(quoted + 4));
  std::memset(address, 0, kAddressCellBytes);
  if (sockets_[socket].family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &destination, sizeof(ipv4));
    std::memcpy(address, &ipv4.sin_addr, sizeof(ipv4.sin_addr));
    row[path_report::kPort] = ntohs(ipv4.sin_port);
    row[path_report::kFamily] = 4;
  } else {
    std::memcpy(address, &destination.sin6_addr, sizeof(destination.sin6_addr));
    row[path_report::kPort] = ntohs(destination.sin6_port);
    row[path_report::kFamily] = 6;
  }
  return true;
}

}  // namespace isthmus
