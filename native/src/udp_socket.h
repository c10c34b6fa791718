// Opens a UDP socket for ESP and IKE (RFC 3948 §2) and says what the kernel granted.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "descriptors.h"
#include "system_failure.h"

namespace isthmus {

// An IPv4 or IPv6 address and port as the kernel takes them; of no family where it is neither.
struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in ipv4;
    sockaddr_in6 ipv6;
  };
  socklen_t length;

  SocketAddress() : ipv6{}, length(sizeof(sockaddr_in6)) {}
  // 4 or 16 bytes in network order; any other length makes an address of no family.
  SocketAddress(const uint8_t* bytes, size_t size, uint16_t port);

  int Family() const { return any.sa_family; }
  uint16_t Port() const;
  // `203.0.113.1:4500`, `[2001:db8::1]:4500`.
  std::string Text() const;
};

// 0.0.0.0 or [::].
bool IsWildcard(const SocketAddress& address);

// False where one of them has no family.
bool SameAddress(const SocketAddress& a, const SocketAddress& b);

struct UdpRequest {
  SocketAddress address;
  // SO_MARK, 0 = none.
  uint32_t mark = 0;
  bool reusePort = false;
  // A second socket of the same address and port, for PeerSockets; not with reusePort.
  bool peer = false;
  // Wanted SO_RCVBUF and SO_SNDBUF, 0 = the system's.
  int bufferBytes = 0;
  bool gso = false;
  bool gro = false;
};

struct UdpSocket {
  UniqueFd fd;
  // Opened with it, because the kernel lets only sockets of one user share a port, and this process may become another's.
  UniqueFd peer;
  uint16_t port = 0;
  // As getsockopt says: the kernel doubles what is asked for, for its own bookkeeping.
  int receiveBufferBytes = 0;
  int sendBufferBytes = 0;
  bool gso = false;
  bool gro = false;
};

// Opens and binds: non-blocking, close-on-exec, IPv6 without IPv4, DF clear, a hop limit of 64 (RFC 4301 §5.1.2),
// errors of datagrams kept in the socket, traffic class and packet info reported with each datagram.
// With reusePort an address that somebody else holds is still EADDRINUSE, also where that one shares its port
// too; only sockets of this process share one. GSO and GRO are left out where the kernel has them not. The peer's socket is not
// bound yet, but for one of an IPv6 address, which is connected to itself.
Result<UdpSocket> OpenUdp(const UdpRequest& request);

// Has each of the sockets that share an address take what is for its worker: a packet goes to the socket whose place, in the
// order in which they were bound, is the first word of the payload modulo `sockets`. That word is the SPI of ESP, and 0 of
// IKE (RFC 3948 §2.2); what is shorter goes to the first. Of a train that UDP_GRO joined the kernel looks at the first packet.
// Called once, with any of them.
Result<bool> SteerBySpi(int fd, int32_t sockets);

// The local address of a bound socket; port 0 where it is not.
Result<SocketAddress> LocalAddress(int fd);

bool IsBound(int fd);

// Lets other sockets of this user, which let it too, have the same address and port while it is set.
bool SharePort(int fd, bool isShared);

// A socket as the receiver and the sender borrow it.
struct SocketHandle {
  int fd = -1;
  int family = 0;
  // The local address, for errors.
  std::string device;
  // Trains may go out with UDP_SEGMENT.
  bool gso = false;
  // Little comes: it is not read in every turn.
  bool seldom = false;
  // As the data plane counts the sockets. That of a peer has the place of the one that it lies beside (PeerSockets).
  size_t place = 0;
};

// Allows or forbids fragments of what the socket sends from now on (RFC 4301 §8.1). In neither state does what
// ICMP told the kernel of the path limit a datagram with DF: that is the data plane's to judge.
void SetDontFragment(const SocketHandle& socket, bool dontFragment);

}  // namespace isthmus
