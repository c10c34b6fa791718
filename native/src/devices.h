// One worker's devices: a TUN queue, UDP sockets and a wake-up, with one wait on all of them.
// Pure C++; napi_devices.h is its JavaScript face. The descriptors are borrowed and must stay open.
#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "batch_memory.h"
#include "peer_sockets.h"
#include "system_failure.h"
#include "tun_queue.h"
#include "udp_error_queue.h"
#include "udp_receiver.h"
#include "udp_sender.h"

namespace isthmus {

// Bits of Devices::Wait, as in src/dataplane/devices.ts.
namespace ready {
inline constexpr int32_t kTun = 1;
inline constexpr int32_t kUdp = 2;
inline constexpr int32_t kWakeup = 4;
}  // namespace ready

class Devices {
 public:
  // tun, write (the queue of the TUN that frames are written by; it may be tun itself), clear (the TUN that packets leave
  // by in clear) and wakeup may be -1: none.
  Devices(const BatchMemory& memory, int tun, int write, int clear, std::vector<SocketHandle> sockets, int wakeup);
  // Its parts refer to each other.
  Devices(const Devices&) = delete;
  Devices& operator=(const Devices&) = delete;

  // Sleeps until something can be read or the time is over (-1: for ever); takes the wake-up. An error on a
  // descriptor counts as readable, so that the read reports it. A signal ends the wait with 0. For the first
  // busyMicroseconds of the time it looks again and again in place of sleeping.
  BatchResult Wait(int timeoutMs, int busyMicroseconds);

  BatchResult TunRead();
  BatchResult TunWrite(int32_t count) { return write_.Write(count); }
  BatchResult ClearWrite(int32_t count) { return clear_.Write(count); }
  BatchResult UdpReceive();
  std::optional<RowViolation> UdpSend(int32_t count) { return sender_.Send(count); }
  // As PeerSockets.
  void ExpectMoreFrom(int32_t row);

  const std::vector<SocketHandle>& Sockets() const { return sockets_; }
  UdpSender& Sender() { return sender_; }

 private:
  // As poll(): 0 where nothing came.
  int BusyPoll(int microseconds);
  void Stamp();

  const BatchMemory& memory_;
  const std::vector<SocketHandle> sockets_;
  TunQueue tun_;
  TunQueue write_;
  TunQueue clear_;
  UdpErrorQueue errors_;
  UdpReceiver receiver_;
  PeerSockets peers_;
  UdpSender sender_;
  // TUN, wake-up, sockets.
  std::vector<pollfd> polled_;
};

}  // namespace isthmus
