#include "peer_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <variant>

namespace isthmus {

namespace {

// A change of peers puts what comes before and after it into two queues; of two that send alike none takes the socket from the
// other so often that it could be seen.
constexpr int32_t kOthersBeforeChange = 16;

size_t AddressBytes(int family) { return family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr); }

bool IsMulticast(const SocketAddress& address) {
  if (address.Family() == AF_INET) return IN_MULTICAST(ntohl(address.ipv4.sin_addr.s_addr));
  return IN6_IS_ADDR_MULTICAST(&address.ipv6.sin6_addr);
}

// Binds the peer's socket beside the one that listens, which shares its port for this call alone: before and after it the
// address is taken, for whoever asks.
bool BindBeside(int listening, int fd, const SocketAddress& local) {
  const bool isBound =
      SharePort(listening, true) && SharePort(fd, true) && ::bind(fd, &local.any, local.length) == 0;
  SharePort(listening, false);
  SharePort(fd, false);
  return isBound;
}

// Binds it once, and connects it, anew where it was connected before. Where the kernel knows no way to the peer, the socket
// stays with the peer before, or is its own: not connected, it would take what is for the one that listens.
bool Connect(int listening, int fd, const SocketAddress& local, const SocketAddress& peer) {
  const Result<SocketAddress> before = LocalAddress(fd);
  const auto* bound = std::get_if<SocketAddress>(&before);
  if (bound == nullptr) return false;
  if (bound->Port() == 0) {
    if (!BindBeside(listening, fd, local)) return false;
    ::connect(fd, &local.any, local.length);
  } else if (!SameAddress(*bound, local)) {
    return false;
  }
  return ::connect(fd, &peer.any, peer.length) == 0;
}

}  // namespace

PeerSockets::PeerSockets(const BatchMemory& memory, const std::vector<SocketHandle>& sockets)
    : memory_(memory), sockets_(sockets), beside_(sockets.size()) {
  for (size_t i = 0; i < sockets.size(); i++) beside_[sockets[i].place].socket = i;
}

std::optional<ConnectedSocket> PeerSockets::ExpectMoreFrom(int32_t row) {
  const int32_t* datagram = memory_.datagramsIn.Row(row);
  const auto listening = static_cast<size_t>(datagram[datagram_in::kSocket]);
  if (listening >= beside_.size()) return std::nullopt;
  Beside& beside = beside_[listening];
  if (beside.socket == listening || sockets_[listening].place != listening) return std::nullopt;

  const ptrdiff_t cell = static_cast<ptrdiff_t>(row) * kAddressCellBytes;
  const SocketAddress source(memory_.sources + cell, AddressBytes(sockets_[listening].family),
                             static_cast<uint16_t>(datagram[datagram_in::kSourcePort]));
  const bool isExpected = SameAddress(source, beside.expected);
  beside.expected = source;
  if (SameAddress(source, beside.connected)) {
    beside.othersNamed = 0;
    return std::nullopt;
  }
  if (beside.connected.Family() != AF_UNSPEC && ++beside.othersNamed < kOthersBeforeChange) return std::nullopt;
  if (!isExpected) return std::nullopt;

  const SocketAddress local = LocalAddressOf(listening, row);
  if (local.Family() != source.Family()) return std::nullopt;
  if (!Connect(sockets_[listening].fd, sockets_[beside.socket].fd, local, source)) return std::nullopt;
  beside.connected = source;
  beside.othersNamed = 0;
  return ConnectedSocket{beside.socket, listening};
}

SocketAddress PeerSockets::LocalAddressOf(size_t listening, int32_t row) const {
  const Result<SocketAddress> bound = LocalAddress(sockets_[listening].fd);
  const auto* address = std::get_if<SocketAddress>(&bound);
  if (address == nullptr) return {};
  if (!IsWildcard(*address)) return *address;
  const ptrdiff_t cell = static_cast<ptrdiff_t>(row) * kAddressCellBytes;
  const SocketAddress destination(memory_.destinations + cell, AddressBytes(address->Family()), address->Port());
  return IsWildcard(destination) || IsMulticast(destination) ? SocketAddress() : destination;
}

}  // namespace isthmus
