#include "peer_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <variant>

namespace isthmus {

namespace {

size_t AddressBytes(int family) { return family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr); }

bool IsMulticast(const SocketAddress& address) {
  if (address.Family() == AF_INET) return IN_MULTICAST(ntohl(address.ipv4.sin_addr.s_addr));
  return IN6_IS_ADDR_MULTICAST(&address.ipv6.sin6_addr);
}

// Bound for good, and connected anew. A bound socket that is not connected takes what the one that listens would: both are
// read, so that nothing is lost between the two calls.
bool Connect(int fd, const SocketAddress& local, const SocketAddress& peer) {
  const Result<SocketAddress> bound = LocalAddress(fd);
  const auto* before = std::get_if<SocketAddress>(&bound);
  if (before == nullptr) return false;
  if (before->Port() == 0 && ::bind(fd, &local.any, local.length) < 0) return false;
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  return ::connect(fd, &nobody, sizeof(nobody)) == 0 && ::connect(fd, &peer.any, peer.length) == 0;
}

}  // namespace

PeerSockets::PeerSockets(const BatchMemory& memory, const std::vector<SocketHandle>& sockets)
    : memory_(memory), sockets_(sockets), beside_(sockets.size()) {
  for (size_t i = 0; i < sockets.size(); i++) {
    if (sockets[i].place != i) beside_[sockets[i].place].fd = sockets[i].fd;
  }
}

void PeerSockets::ExpectMoreFrom(int32_t row) {
  const int32_t* datagram = memory_.datagramsIn.Row(row);
  const auto socket = static_cast<size_t>(datagram[datagram_in::kSocket]);
  if (socket >= beside_.size() || beside_[socket].fd < 0) return;
  Beside& beside = beside_[socket];
  const ptrdiff_t cell = static_cast<ptrdiff_t>(row) * kAddressCellBytes;
  const SocketAddress source(memory_.sources + cell, AddressBytes(sockets_[socket].family),
                             static_cast<uint16_t>(datagram[datagram_in::kSourcePort]));
  if (SameAddress(source, beside.connected)) {
    beside.expected = source;
    return;
  }
  if (!SameAddress(source, beside.expected)) {
    beside.expected = source;
    return;
  }
  const SocketAddress local = LocalAddressOf(socket, row);
  if (local.Family() != source.Family()) return;
  beside.connected = Connect(beside.fd, local, source) ? source : SocketAddress();
}

SocketAddress PeerSockets::LocalAddressOf(size_t socket, int32_t row) const {
  const Result<SocketAddress> bound = LocalAddress(sockets_[socket].fd);
  const auto* listening = std::get_if<SocketAddress>(&bound);
  if (listening == nullptr) return {};
  if (!IsWildcard(*listening)) return *listening;
  const ptrdiff_t cell = static_cast<ptrdiff_t>(row) * kAddressCellBytes;
  const SocketAddress destination(memory_.destinations + cell, AddressBytes(listening->Family()), listening->Port());
  return IsWildcard(destination) || IsMulticast(destination) ? SocketAddress() : destination;
}

}  // namespace isthmus
