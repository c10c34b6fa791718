// Keeps off first messages of strangers before the kernel copies them (RFC 7296 §2.6): a flood of them costs the gateway
// what reading them costs. A classic BPF program in the socket lets one in so many through, by chance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "system_failure.h"
#include "udp_socket.h"

namespace isthmus {

struct FirstMessageFilter {
  // IKE stands behind a non-ESP marker (RFC 3948 §2.2); what has none passes.
  bool hasMarker = false;
  // Addresses whose messages always pass: 4 or 16 bytes each, as the socket's family has them.
  std::vector<const uint8_t*> known;
  // Of the first messages without a cookie, and with one, one in so many passes, a power of two; with 1 all of them.
  uint32_t strangersOneIn = 1;
  uint32_t cookiesOneIn = 1;
};

// How many known addresses a filter has room for: the kernel keeps options of a socket in 20 KiB (optmem_max).
size_t MostKnownAddresses(int family);

// Puts the filter into the socket, in the place of the one before; takes it away where all pass.
Result<bool> SetFirstMessageFilter(int fd, const FirstMessageFilter& filter);

// Datagrams that the kernel has dropped at the socket, modulo 2^32: its buffer was full, or a filter kept them off.
Result<uint32_t> KernelDrops(int fd);

}  // namespace isthmus
