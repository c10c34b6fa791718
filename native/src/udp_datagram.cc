#include "udp_datagram.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace isthmus {

int SendDatagram(int fd, bool hasMarker, const SocketAddress& address, const uint8_t* bytes, size_t length) {
  // RFC 3948 §2.2: four zero bytes.
  std::array<uint8_t, 4> marker{};
  // sendmsg only reads what these point to.
  std::array<iovec, 2> vectors{iovec{marker.data(), hasMarker ? marker.size() : 0},
                               iovec{const_cast<uint8_t*>(bytes), length}};
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(&address.any);
  message.msg_namelen = address.length;
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  return ::sendmsg(fd, &message, MSG_DONTWAIT) < 0 ? errno : 0;
}

}  // namespace isthmus
