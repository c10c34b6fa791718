#include "first_message_filter.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace isthmus {

namespace {

// A filter of a UDP socket sees the datagram from its UDP header on.
constexpr uint32_t kUdpHeaderBytes = 8;
constexpr uint32_t kMarkerBytes = 4;

// RFC 7296 §3.1, §3.2, §3.10, §3.10.1: lengths and offsets in an IKE message, and the values of IANA's registries.
constexpr uint32_t kResponderSpi = 8;
constexpr uint32_t kNextPayload = 16;
constexpr uint32_t kExchangeType = 18;
constexpr uint32_t kIkeHeaderBytes = 28;
constexpr uint32_t kNotifyType = kIkeHeaderBytes + 6;
constexpr uint32_t kIkeSaInit = 34;
constexpr uint32_t kNotifyPayload = 41;
constexpr uint32_t kCookie = 16390;

// RFC 791 §3.1, RFC 8200 §3: where the source address stands in the header.
constexpr uint32_t kIpv4Source = static_cast<uint32_t>(SKF_NET_OFF) + 12;
constexpr uint32_t kIpv6Source = static_cast<uint32_t>(SKF_NET_OFF) + 8;

constexpr size_t kMostIpv4 = 512;
constexpr size_t kMostIpv6 = 128;

constexpr uint32_t kAllOfIt = 0xffffffff;

// Jumps are eight bits wide, so that each test skips over its own RET and nothing more.
class Program {
 public:
  void Load(uint16_t size, uint32_t offset) { Add(BPF_LD | size | BPF_ABS, offset); }
  void Pass() { Add(BPF_RET | BPF_K, kAllOfIt); }
  void Drop() { Add(BPF_RET | BPF_K, 0); }

  void PassUnlessEqual(uint32_t value) {
    Jump(value, 1, 0);
    Pass();
  }
  void PassIfEqual(uint32_t value) {
    Jump(value, 0, 1);
    Pass();
  }

  // Four words of an IPv6 source address.
  void PassIfIpv6Source(const uint8_t* address) {
    for (uint8_t word = 0; word < 4; word++) {
      Load(BPF_W, kIpv6Source + 4u * word);
      // Over the tests of the words behind it, and the RET.
      Jump(WordOf(address + 4 * word), 0, static_cast<uint8_t>(2 * (3 - word) + 1));
    }
    Pass();
  }

  // Ends the program: one in so many passes.
  void PassOneIn(uint32_t oneIn) {
    Load(BPF_W, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM));
    Add(BPF_ALU | BPF_AND | BPF_K, oneIn - 1);
    PassIfEqual(0);
    Drop();
  }

  // What is shorter than a header is no message. A Notify that is cut short of its type is dropped: a load behind the end ends
  // the program with 0.
  void PassIfShorter(uint32_t length) {
    Add(BPF_LD | BPF_W | BPF_LEN, 0);
    instructions_.push_back(sock_filter{BPF_JMP | BPF_JGE | BPF_K, 1, 0, length});
    Pass();
  }

  // Where the value is another, goes on behind the next `count` instructions.
  void SkipUnlessEqual(uint32_t value, uint8_t count) { Jump(value, 0, count); }

  static uint32_t WordOf(const uint8_t* bytes) {
    uint32_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    return ntohl(word);
  }

  sock_fprog Kernel() { return sock_fprog{static_cast<unsigned short>(instructions_.size()), instructions_.data()}; }

 private:
  void Add(uint16_t code, uint32_t value) { instructions_.push_back(sock_filter{code, 0, 0, value}); }
  void Jump(uint32_t value, uint8_t ifEqual, uint8_t otherwise) {
    instructions_.push_back(sock_filter{BPF_JMP | BPF_JEQ | BPF_K, ifEqual, otherwise, value});
  }

  std::vector<sock_filter> instructions_;
};

// The instructions of Program::PassOneIn.
constexpr uint8_t kPassOneInLength = 5;

Program Compile(const FirstMessageFilter& filter, int family) {
  Program program;
  uint32_t message = kUdpHeaderBytes;
  program.PassIfShorter(message + (filter.hasMarker ? kMarkerBytes : 0) + kIkeHeaderBytes);
  if (filter.hasMarker) {
    program.Load(BPF_W, message);
    program.PassUnlessEqual(0);
    message += kMarkerBytes;
  }
  // RFC 7296 §3.1: in a first message nobody has chosen the responder's SPI yet.
  program.Load(BPF_B, message + kExchangeType);
  program.PassUnlessEqual(kIkeSaInit);
  for (const uint32_t half : {0u, 4u}) {
    program.Load(BPF_W, message + kResponderSpi + half);
    program.PassUnlessEqual(0);
  }
  if (family == AF_INET && !filter.known.empty()) program.Load(BPF_W, kIpv4Source);
  for (const uint8_t* address : filter.known) {
    if (family == AF_INET) program.PassIfEqual(Program::WordOf(address));
    else program.PassIfIpv6Source(address);
  }
  // RFC 7296 §2.6: a cookie stands before everything else.
  program.Load(BPF_B, message + kNextPayload);
  program.SkipUnlessEqual(kNotifyPayload, 2 + kPassOneInLength);
  program.Load(BPF_H, message + kNotifyType);
  program.SkipUnlessEqual(kCookie, kPassOneInLength);
  program.PassOneIn(filter.cookiesOneIn);
  program.PassOneIn(filter.strangersOneIn);
  return program;
}

std::string DeviceOf(int fd) {
  const Result<SocketAddress> local = LocalAddress(fd);
  if (const auto* address = std::get_if<SocketAddress>(&local)) return address->Text();
  return "descriptor " + std::to_string(fd);
}

}  // namespace

size_t MostKnownAddresses(int family) { return family == AF_INET ? kMostIpv4 : kMostIpv6; }

Result<bool> SetFirstMessageFilter(int fd, const FirstMessageFilter& filter) {
  const Result<SocketAddress> local = LocalAddress(fd);
  if (const auto* failure = std::get_if<SystemFailure>(&local)) return *failure;
  if (filter.strangersOneIn == 1 && filter.cookiesOneIn == 1) {
    const int unused = 0;
    // ENOENT: there was none.
    if (::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) == 0 || errno == ENOENT) return true;
    return SystemFailure{errno, "setsockopt SO_DETACH_FILTER", DeviceOf(fd)};
  }
  Program program = Compile(filter, std::get_if<SocketAddress>(&local)->Family());
  const sock_fprog kernel = program.Kernel();
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &kernel, sizeof(kernel)) == 0) return true;
  return SystemFailure{errno, "setsockopt SO_ATTACH_FILTER", DeviceOf(fd)};
}

Result<uint32_t> KernelDrops(int fd) {
  uint32_t values[SK_MEMINFO_VARS] = {};
  socklen_t length = sizeof(values);
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &length) != 0) {
    return SystemFailure{errno, "getsockopt SO_MEMINFO", DeviceOf(fd)};
  }
  return values[SK_MEMINFO_DROPS];
}

}  // namespace isthmus
