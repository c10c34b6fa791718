// Opens a TUN queue by name, with a virtio-net header before each packet and the offloads the kernel grants.
// Addresses, MTU and routes are not set here.
#pragma once

#include <cstdint>
#include <string>

#include "descriptors.h"
#include "system_failure.h"

namespace isthmus {

// struct virtio_net_hdr; linux/virtio_net.h cannot be included in C++ (it has a field named `class`).
// Host byte order, as TUN has it by default.
struct VirtioNetHeader {
  uint8_t flags;
  uint8_t gsoType;
  uint16_t headerLength;
  uint16_t segmentSize;
  uint16_t checksumStart;
  uint16_t checksumOffset;
};
static_assert(sizeof(VirtioNetHeader) == 10);

struct TunOffloads {
  bool checksum = false;
  bool tso = false;
  bool uso = false;
};

struct TunDevice {
  UniqueFd fd;
  // The name that the kernel gave.
  std::string name;
  TunOffloads offloads;
};

// Opens one queue: non-blocking, close-on-exec, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE.
// The device is created where it is not there and goes with its last queue; 4096 packets may wait in it. TSO and USO need the checksum
// offload; what the kernel refuses is left out. An empty name lets the kernel choose.
Result<TunDevice> OpenTun(const std::string& name, const TunOffloads& wanted);

// The device of an open queue, or "tun" where the kernel does not say.
std::string TunName(int fd);

}  // namespace isthmus
