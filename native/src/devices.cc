#include "devices.h"

#include <sched.h>

#include <cerrno>
#include <utility>

#include "descriptors.h"
#include "monotonic_clock.h"

namespace isthmus {

Devices::Devices(const BatchMemory& memory, int tun, int write, int clear, std::vector<SocketHandle> sockets, int wakeup)
    : memory_(memory),
      sockets_(std::move(sockets)),
      tun_(memory, tun),
      write_(memory, write),
      clear_(memory, clear),
      errors_(memory, sockets_),
      receiver_(memory, sockets_, errors_),
      peers_(memory, sockets_),
      sender_(memory, sockets_, errors_) {
  // poll() passes over negative descriptors.
  polled_.push_back(pollfd{tun, POLLIN, 0});
  polled_.push_back(pollfd{wakeup, POLLIN, 0});
  for (const SocketHandle& socket : sockets_) polled_.push_back(pollfd{socket.fd, POLLIN, 0});
}

BatchResult Devices::Wait(int timeoutMs, int busyMicroseconds) {
  // The look is a part of the time; the sleep has the rest.
  if (timeoutMs >= 0 && timeoutMs <= busyMicroseconds / 1000) {
    busyMicroseconds = timeoutMs * 1000;
    timeoutMs = 0;
  } else if (timeoutMs > 0) {
    timeoutMs -= busyMicroseconds / 1000;
  }
  int found = BusyPoll(busyMicroseconds);
  if (found == 0) found = ::poll(polled_.data(), polled_.size(), timeoutMs);
  const int error = errno;
  Stamp();
  if (found < 0) {
    if (error == EINTR) return 0;
    return SystemFailure{error, "poll", "devices"};
  }
  int32_t bits = 0;
  if (polled_[0].revents != 0) bits |= ready::kTun;
  if (polled_[1].revents != 0) {
    bits |= ready::kWakeup;
    DrainWakeup(polled_[1].fd);
  }
  for (size_t i = 2; i < polled_.size(); i++) {
    if (polled_[i].revents != 0) bits |= ready::kUdp;
    if (polled_[i].revents != 0) receiver_.Note(i - 2);
    if ((polled_[i].revents & POLLERR) != 0) errors_.Note(i - 2);
  }
  return bits;
}

int Devices::BusyPoll(int microseconds) {
  if (microseconds <= 0) return 0;
  const double endMs = MonotonicMs() + microseconds / 1e3;
  int found = 0;
  do {
    found = ::poll(polled_.data(), polled_.size(), 0);
    if (found != 0) break;
    // Whoever waits for this processor goes first, the sender of the packet that is waited for among them.
    ::sched_yield();
  } while (MonotonicMs() < endMs);
  return found;
}

BatchResult Devices::TunRead() {
  BatchResult result = tun_.Read();
  Stamp();
  return result;
}

BatchResult Devices::UdpReceive() {
  BatchResult result = receiver_.Receive();
  errors_.Read();
  Stamp();
  return result;
}

void Devices::ExpectMoreFrom(int32_t row) {
  if (const auto connected = peers_.ExpectMoreFrom(row)) receiver_.ReadBehind(*connected);
}

void Devices::Stamp() { memory_.clock[0] = MonotonicMs(); }

}  // namespace isthmus
