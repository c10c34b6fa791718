#include "descriptors.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

namespace isthmus {

namespace {

std::string Name(int fd) { return "descriptor " + std::to_string(fd); }

}  // namespace

void UniqueFd::Reset(int fd) {
  // On Linux the descriptor is closed whatever close() returns.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<UniqueFd> CreateWakeup() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.IsOpen()) return SystemFailure{errno, "eventfd", "wake-up"};
  return fd;
}

Result<bool> SignalWakeup(int fd) {
  const uint64_t one = 1;
  while (::write(fd, &one, sizeof(one)) < 0) {
    // EAGAIN: the counter is full, so the wake-up is signalled.
    if (errno == EAGAIN) break;
    if (errno != EINTR) return SystemFailure{errno, "write", Name(fd)};
  }
  return true;
}

void DrainWakeup(int fd) {
  uint64_t count = 0;
  while (::read(fd, &count, sizeof(count)) < 0 && errno == EINTR) {
  }
}

Result<bool> CloseDescriptor(int fd) {
  // EINTR: closed nevertheless, close(2).
  if (::close(fd) < 0 && errno != EINTR) return SystemFailure{errno, "close", Name(fd)};
  return true;
}

}  // namespace isthmus
