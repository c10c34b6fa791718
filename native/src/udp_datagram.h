// Sends one datagram from a thread that has no batch memory: IKE, on the main thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "udp_socket.h"

namespace isthmus {

// Hands the kernel one datagram without waiting, behind a non-ESP marker where it is asked for (RFC 3948 §2.2).
// Returns 0, or the errno. Whether DF is set is what the socket's sender left it at.
int SendDatagram(int fd, bool hasMarker, const SocketAddress& address, const uint8_t* bytes, size_t length);

}  // namespace isthmus
