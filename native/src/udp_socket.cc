#include "udp_socket.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/filter.h>
#include <netinet/udp.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>

namespace isthmus {

namespace {

bool SetOption(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

int GetOption(int fd, int level, int option) {
  int value = 0;
  socklen_t length = sizeof(value);
  return ::getsockopt(fd, level, option, &value, &length) == 0 ? value : -1;
}

// True where this process has a socket bound to the address that shares its port: another worker's.
bool IsSharedByThisProcess(const SocketAddress& address) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), ::closedir);
  if (!directory) return false;
  while (const dirent* entry = ::readdir(directory.get())) {
    const int fd = std::atoi(entry->d_name);
    if (GetOption(fd, SOL_SOCKET, SO_TYPE) != SOCK_DGRAM) continue;
    if (GetOption(fd, SOL_SOCKET, SO_REUSEPORT) != 1) continue;
    const Result<SocketAddress> local = LocalAddress(fd);
    if (const auto* bound = std::get_if<SocketAddress>(&local); bound && SameAddress(*bound, address)) return true;
  }
  return false;
}

// A socket, not yet bound.
Result<UniqueFd> CreateSocket(const SocketAddress& address, const std::string& device) {
  UniqueFd fd(::socket(address.Family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!fd.IsOpen()) return SystemFailure{errno, "socket", device};
  if (address.Family() == AF_INET6 && !SetOption(fd.Get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
    return SystemFailure{errno, "setsockopt IPV6_V6ONLY", device};
  }
  return fd;
}

// Two processes with SO_REUSEPORT share a port without noticing; a bind without it notices.
Result<bool> ProbeAddress(const SocketAddress& address, const std::string& device) {
  Result<UniqueFd> created = CreateSocket(address, device);
  if (auto* failure = std::get_if<SystemFailure>(&created)) return std::move(*failure);
  if (::bind(std::get_if<UniqueFd>(&created)->Get(), &address.any, address.length) == 0) return true;
  const int error = errno;
  if (error == EADDRINUSE && IsSharedByThisProcess(address)) return true;
  return SystemFailure{error, "bind", device};
}

struct Option {
  int level;
  int name;
  int value;
  const char* call;
};

// RFC 4301 §5.1.2: constructed, not copied from the inner header.
constexpr int kHopLimit = 64;
// Without DF, and fragmented for the device only: routers fragment the rest. Unlike DONT it reports ICMP errors.
constexpr int kIpv4MayFragment = IP_PMTUDISC_OMIT;
// IPv6 routers do not fragment, so the kernel does, for the path as it knows it.
constexpr int kIpv6MayFragment = IPV6_PMTUDISC_WANT;

// What every socket needs.
constexpr Option kIpv4Options[] = {
    {IPPROTO_IP, IP_RECVTOS, 1, "setsockopt IP_RECVTOS"},
    {IPPROTO_IP, IP_PKTINFO, 1, "setsockopt IP_PKTINFO"},
    {IPPROTO_IP, IP_TTL, kHopLimit, "setsockopt IP_TTL"},
    {IPPROTO_IP, IP_RECVERR, 1, "setsockopt IP_RECVERR"},
    {IPPROTO_IP, IP_MTU_DISCOVER, kIpv4MayFragment, "setsockopt IP_MTU_DISCOVER"},
};
constexpr Option kIpv6Options[] = {
    {IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "setsockopt IPV6_RECVTCLASS"},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "setsockopt IPV6_RECVPKTINFO"},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, kHopLimit, "setsockopt IPV6_UNICAST_HOPS"},
    {IPPROTO_IPV6, IPV6_RECVERR, 1, "setsockopt IPV6_RECVERR"},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, kIpv6MayFragment, "setsockopt IPV6_MTU_DISCOVER"},
};

// The call that failed, or null.
template <size_t Size>
const char* SetOptions(int fd, const Option (&options)[Size]) {
  for (const Option& option : options) {
    if (!SetOption(fd, option.level, option.name, option.value)) return option.call;
  }
  return nullptr;
}

// The FORCE form passes the system's limit and needs CAP_NET_ADMIN. What was got is read back later.
void SetBuffer(int fd, int forced, int limited, int bytes) {
  if (!SetOption(fd, SOL_SOCKET, forced, bytes)) SetOption(fd, SOL_SOCKET, limited, bytes);
}

// A socket with all that was asked for, not yet bound.
Result<UniqueFd> CreateWithOptions(const UdpRequest& request, const std::string& device) {
  Result<UniqueFd> created = CreateSocket(request.address, device);
  const auto* socket = std::get_if<UniqueFd>(&created);
  if (socket == nullptr) return created;
  const int fd = socket->Get();
  if (request.reusePort && !SharePort(fd, true)) {
    return SystemFailure{errno, "setsockopt SO_REUSEPORT", device};
  }
  if (request.mark != 0 && !SetOption(fd, SOL_SOCKET, SO_MARK, static_cast<int>(request.mark))) {
    return SystemFailure{errno, "setsockopt SO_MARK", device};
  }
  const char* refused =
      request.address.Family() == AF_INET ? SetOptions(fd, kIpv4Options) : SetOptions(fd, kIpv6Options);
  if (refused) return SystemFailure{errno, refused, device};
  if (request.bufferBytes > 0) {
    SetBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, request.bufferBytes);
    SetBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, request.bufferBytes);
  }
  return created;
}

// Not yet bound, as PeerSockets wants it.
Result<UniqueFd> CreatePeer(const UdpRequest& request, const std::string& device) {
  Result<UniqueFd> created = CreateWithOptions(request, device);
  const auto* socket = std::get_if<UniqueFd>(&created);
  // As with the one that listens, left out where the kernel has it not.
  if (socket && request.gro) SetOption(socket->Get(), IPPROTO_UDP, UDP_GRO, 1);
  return created;
}

// Of the sockets of an address the kernel asks one whether it is connected to the sender. Of IPv4 that is the one that was bound
// last. Of IPv6, with a shared port, it is the first: so that one is bound before the other, and connected to itself, to take
// nothing until it has a peer. What is bound to every address never comes before what is bound to one.
bool IsBoundFirst(const SocketAddress& address) {
  return address.Family() == AF_INET6 && !IsWildcard(address) && address.Port() != 0;
}

Result<UniqueFd> OpenPeer(const UdpRequest& request, const std::string& device) {
  Result<UniqueFd> created = CreatePeer(request, device);
  const auto* socket = std::get_if<UniqueFd>(&created);
  const SocketAddress& address = request.address;
  if (socket == nullptr || !IsBoundFirst(address)) return created;
  const int fd = socket->Get();
  const bool isItsOwn =
      ::bind(fd, &address.any, address.length) == 0 && ::connect(fd, &address.any, address.length) == 0;
  // Behind the other it is as good, only not as fast; and where the address is taken, the other says so.
  return isItsOwn ? std::move(created) : CreatePeer(request, device);
}

}  // namespace

SocketAddress::SocketAddress(const uint8_t* bytes, size_t size, uint16_t port) : SocketAddress() {
  if (size == sizeof(in_addr)) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    std::memcpy(&ipv4.sin_addr, bytes, size);
    length = sizeof(sockaddr_in);
  } else if (size == sizeof(in6_addr)) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    std::memcpy(&ipv6.sin6_addr, bytes, size);
  }
}

uint16_t SocketAddress::Port() const { return ntohs(Family() == AF_INET ? ipv4.sin_port : ipv6.sin6_port); }

std::string SocketAddress::Text() const {
  char text[INET6_ADDRSTRLEN] = "?";
  const bool isIpv4 = Family() == AF_INET;
  const void* bytes = isIpv4 ? static_cast<const void*>(&ipv4.sin_addr) : &ipv6.sin6_addr;
  ::inet_ntop(Family(), bytes, text, sizeof(text));
  std::string result(text);
  if (!isIpv4) {
    result.insert(result.begin(), '[');
    result.push_back(']');
  }
  result.push_back(':');
  result.append(std::to_string(Port()));
  return result;
}

bool IsWildcard(const SocketAddress& address) {
  if (address.Family() == AF_INET) return address.ipv4.sin_addr.s_addr == htonl(INADDR_ANY);
  return address.Family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address.ipv6.sin6_addr);
}

bool SameAddress(const SocketAddress& a, const SocketAddress& b) {
  if (a.Family() == AF_UNSPEC || a.Family() != b.Family() || a.Port() != b.Port()) return false;
  if (a.Family() == AF_INET) return a.ipv4.sin_addr.s_addr == b.ipv4.sin_addr.s_addr;
  return std::memcmp(&a.ipv6.sin6_addr, &b.ipv6.sin6_addr, sizeof(in6_addr)) == 0;
}

bool SharePort(int fd, bool isShared) { return SetOption(fd, SOL_SOCKET, SO_REUSEPORT, isShared ? 1 : 0); }

Result<SocketAddress> LocalAddress(int fd) {
  SocketAddress address;
  if (::getsockname(fd, &address.any, &address.length) < 0) {
    return SystemFailure{errno, "getsockname", "descriptor " + std::to_string(fd)};
  }
  return address;
}

bool IsBound(int fd) {
  const Result<SocketAddress> local = LocalAddress(fd);
  const auto* address = std::get_if<SocketAddress>(&local);
  return address != nullptr && address->Port() != 0;
}

void SetDontFragment(const SocketHandle& socket, bool dontFragment) {
  // The values were taken when the socket was opened, so that neither call can fail.
  if (socket.family == AF_INET) {
    SetOption(socket.fd, IPPROTO_IP, IP_MTU_DISCOVER, dontFragment ? IP_PMTUDISC_PROBE : kIpv4MayFragment);
  } else {
    SetOption(socket.fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, dontFragment ? IPV6_PMTUDISC_PROBE : kIpv6MayFragment);
  }
}

Result<bool> SteerBySpi(int fd, int32_t sockets) {
  // The kernel shows the program the UDP payload. A load behind its end gives 0, as the marker of IKE does.
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, static_cast<uint32_t>(sockets)),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0) {
    return SystemFailure{errno, "setsockopt SO_ATTACH_REUSEPORT_CBPF", "descriptor " + std::to_string(fd)};
  }
  return true;
}

Result<UdpSocket> OpenUdp(const UdpRequest& request) {
  const SocketAddress& address = request.address;
  const std::string device = address.Text();
  // Port 0 is always free.
  if (request.reusePort && address.Port() != 0) {
    Result<bool> probe = ProbeAddress(address, device);
    if (auto* failure = std::get_if<SystemFailure>(&probe)) return std::move(*failure);
  }
  UdpSocket result;
  if (request.peer) {
    Result<UniqueFd> peer = OpenPeer(request, device);
    if (auto* failure = std::get_if<SystemFailure>(&peer)) return std::move(*failure);
    result.peer = std::move(*std::get_if<UniqueFd>(&peer));
  }
  Result<UniqueFd> created = CreateWithOptions(request, device);
  if (auto* failure = std::get_if<SystemFailure>(&created)) return std::move(*failure);
  result.fd = std::move(*std::get_if<UniqueFd>(&created));
  const int fd = result.fd.Get();
  result.receiveBufferBytes = GetOption(fd, SOL_SOCKET, SO_RCVBUF);
  result.sendBufferBytes = GetOption(fd, SOL_SOCKET, SO_SNDBUF);
  result.gro = request.gro && SetOption(fd, IPPROTO_UDP, UDP_GRO, 1);
  // 0 is the default; a kernel without UDP_SEGMENT refuses the option itself.
  result.gso = request.gso && SetOption(fd, IPPROTO_UDP, UDP_SEGMENT, 0);

  // Beside a peer's socket that is bound already, and with nobody else.
  const bool isBeside = request.peer && IsBound(result.peer.Get());
  if (isBeside && !(SharePort(result.peer.Get(), true) && SharePort(fd, true))) {
    return SystemFailure{errno, "setsockopt SO_REUSEPORT", device};
  }
  if (::bind(fd, &address.any, address.length) < 0) return SystemFailure{errno, "bind", device};
  if (isBeside) {
    SharePort(result.peer.Get(), false);
    SharePort(fd, false);
  }
  const Result<SocketAddress> local = LocalAddress(fd);
  if (const auto* failure = std::get_if<SystemFailure>(&local)) return *failure;
  result.port = std::get_if<SocketAddress>(&local)->Port();
  return result;
}

}  // namespace isthmus
