#include "tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

// Missing from the headers of Debian 12 (Linux 6.1); the kernel has them since 6.2.
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#endif
#ifndef TUN_F_USO6
#define TUN_F_USO6 0x40
#endif

namespace isthmus {

namespace {

bool SetOffloads(int fd, const TunOffloads& offloads) {
  unsigned long bits = 0;
  if (offloads.checksum) bits |= TUN_F_CSUM;
  if (offloads.tso) bits |= TUN_F_TSO4 | TUN_F_TSO6;
  // The kernel takes USO4 and USO6 only together.
  if (offloads.uso) bits |= TUN_F_USO4 | TUN_F_USO6;
  return ::ioctl(fd, TUNSETOFFLOAD, bits) == 0;
}

// Asks for the richest set and gives up USO, then TSO, then the checksum.
Result<TunOffloads> NegotiateOffloads(int fd, const TunOffloads& wanted, const std::string& name) {
  TunOffloads offloads = wanted;
  if (!offloads.checksum) offloads = TunOffloads{};
  while (!SetOffloads(fd, offloads)) {
    const int error = errno;
    if (offloads.uso) {
      offloads.uso = false;
    } else if (offloads.tso) {
      offloads.tso = false;
    } else if (offloads.checksum) {
      offloads.checksum = false;
    } else {
      return SystemFailure{error, "ioctl TUNSETOFFLOAD", name};
    }
  }
  return offloads;
}

// Packets that wait in a queue of the TUN for the worker; the kernel's 500 are those of a few milliseconds in which the
// processor was somebody else's. A queue of super-packets may take 256 MiB of the kernel's memory.
constexpr int kQueuePackets = 4096;

// A queue that somebody has made longer stays so. Without CAP_NET_ADMIN it stays as it is.
void LengthenQueue(ifreq device) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::ioctl(socket.Get(), SIOCGIFTXQLEN, &device) < 0 || device.ifr_qlen >= kQueuePackets) return;
  device.ifr_qlen = kQueuePackets;
  ::ioctl(socket.Get(), SIOCSIFTXQLEN, &device);
}

}  // namespace

Result<TunDevice> OpenTun(const std::string& name, const TunOffloads& wanted) {
  if (name.size() > IFNAMSIZ - 1) {
    return SystemFailure{ENAMETOOLONG, "ioctl TUNSETIFF", name, "a device name has at most 15 bytes"};
  }
  UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd.IsOpen()) return SystemFailure{errno, "open /dev/net/tun", name};

  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), name.size());
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
  if (::ioctl(fd.Get(), TUNSETIFF, &request) < 0) return SystemFailure{errno, "ioctl TUNSETIFF", name};
  const std::string given(request.ifr_name, ::strnlen(request.ifr_name, IFNAMSIZ));

  LengthenQueue(request);
  int headerBytes = sizeof(VirtioNetHeader);
  if (::ioctl(fd.Get(), TUNSETVNETHDRSZ, &headerBytes) < 0) {
    return SystemFailure{errno, "ioctl TUNSETVNETHDRSZ", given};
  }
  Result<TunOffloads> offloads = NegotiateOffloads(fd.Get(), wanted, given);
  if (auto* failure = std::get_if<SystemFailure>(&offloads)) return std::move(*failure);
  return TunDevice{std::move(fd), given, *std::get_if<TunOffloads>(&offloads)};
}

std::string TunName(int fd) {
  ifreq request{};
  if (::ioctl(fd, TUNGETIFF, &request) < 0) return "tun";
  return std::string(request.ifr_name, ::strnlen(request.ifr_name, IFNAMSIZ));
}

}  // namespace isthmus
