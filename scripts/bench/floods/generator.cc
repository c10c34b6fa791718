// Sends IPv4 packets at a fixed rate through a packet socket, many for each system call, so that sources can be forged.
// A program of the benchmark of floods; generator.ts compiles it, starts it and speaks to it.
//
//   generator DEVICE MAC
//
// Each line of standard input is an order: FILE RATE MILLISECONDS PORT, the answer a line of standard output when it is
// done: PACKETS MILLISECONDS. Packets are sent in turns, RATE a second. A PORT other than 0 replaces the
// destination port of whatever shows one. Numbers in FILE are 16 bits in network order; for each packet
//
//   length, then three times: where random bytes stand, how many; then the packet
//
// The checksum of the IPv4 header is made here; that of UDP stays as it is.

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr int kBatch = 64;
constexpr int kRandomPlaces = 3;
constexpr int64_t kTickNs = 500'000;
// The most that is made up for after a stall: it must not become a burst.
constexpr int64_t kMostLateNs = 4'000'000;
constexpr size_t kIpv4Bytes = 20;
constexpr size_t kSlotBytes = 2048;

struct Packet {
  struct RandomPlace {
    uint16_t at;
    uint16_t length;
  };
  RandomPlace random[kRandomPlaces];
  std::vector<uint8_t> bytes;
};

int64_t NowNs() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void SleepUntil(int64_t ns) {
  const timespec until{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

// xorshift64*: quick, and what is drawn here guards nothing.
uint64_t Random() {
  static uint64_t state = 0x9e3779b97f4a7c15u ^ static_cast<uint64_t>(NowNs());
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1du;
}

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "generator: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

uint16_t Read16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }

std::vector<Packet> ReadPackets(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) Fail(path);
  std::vector<Packet> packets;
  uint8_t head[2 + 4 * kRandomPlaces];
  while (std::fread(head, 1, sizeof(head), file) == sizeof(head)) {
    Packet packet;
    packet.bytes.resize(Read16(head));
    for (int i = 0; i < kRandomPlaces; i++) {
      packet.random[i] = {Read16(head + 2 + 4 * i), Read16(head + 4 + 4 * i)};
      if (size_t{packet.random[i].at} + packet.random[i].length > packet.bytes.size()) Fail("a random place of " + path);
    }
    const size_t size = packet.bytes.size();
    if (size < kIpv4Bytes || size > kSlotBytes || std::fread(packet.bytes.data(), 1, size, file) != size) {
      Fail("a packet of " + path);
    }
    packets.push_back(std::move(packet));
  }
  std::fclose(file);
  if (packets.empty()) Fail("no packet in " + path);
  return packets;
}

void Randomize(uint8_t* at, size_t length) {
  for (size_t done = 0; done < length; done += 8) {
    const uint64_t bits = Random();
    std::memcpy(at + done, &bits, std::min<size_t>(8, length - done));
  }
}

void SetChecksum(uint8_t* header) {
  header[10] = header[11] = 0;
  uint32_t sum = 0;
  for (size_t at = 0; at < kIpv4Bytes; at += 2) sum += Read16(header + at);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = ~((sum & 0xffff) + (sum >> 16));
  header[10] = static_cast<uint8_t>(sum >> 8);
  header[11] = static_cast<uint8_t>(sum);
}

// UDP in a packet that is no fragment, or the first one.
bool ShowsPorts(const uint8_t* packet, size_t size) {
  return packet[9] == IPPROTO_UDP && (Read16(packet + 6) & 0x1fff) == 0 && size >= kIpv4Bytes + 4;
}

class Sender {
 public:
  Sender(const char* device, const char* mac) {
    fd_ = ::socket(AF_PACKET, SOCK_DGRAM, 0);
    if (fd_ < 0) Fail("socket");
    const int on = 1;
    ::setsockopt(fd_, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
    to_.sll_family = AF_PACKET;
    to_.sll_protocol = htons(ETH_P_IP);
    to_.sll_ifindex = static_cast<int>(::if_nametoindex(device));
    to_.sll_halen = ETH_ALEN;
    unsigned octets[ETH_ALEN];
    if (to_.sll_ifindex == 0 || std::sscanf(mac, "%x:%x:%x:%x:%x:%x", octets, octets + 1, octets + 2, octets + 3,
                                            octets + 4, octets + 5) != ETH_ALEN) {
      Fail(std::string(device) + ' ' + mac);
    }
    std::copy(octets, octets + ETH_ALEN, to_.sll_addr);
    for (int i = 0; i < kBatch; i++) {
      parts_[i] = {slots_[i], 0};
      messages_[i].msg_hdr = {&to_, sizeof(to_), &parts_[i], 1, nullptr, 0, 0};
    }
  }

  // Sends at most kBatch. Returns how many the kernel took.
  int Send(const std::vector<Packet>& packets, int count, uint16_t port) {
    for (int i = 0; i < count; i++) {
      const Packet& packet = packets[next_++ % packets.size()];
      uint8_t* bytes = slots_[i];
      std::memcpy(bytes, packet.bytes.data(), packet.bytes.size());
      parts_[i].iov_len = packet.bytes.size();
      for (const auto& [at, length] : packet.random) Randomize(bytes + at, length);
      if (port != 0 && ShowsPorts(bytes, packet.bytes.size())) {
        bytes[kIpv4Bytes + 2] = static_cast<uint8_t>(port >> 8);
        bytes[kIpv4Bytes + 3] = static_cast<uint8_t>(port);
      }
      SetChecksum(bytes);
    }
    const int sent = ::sendmmsg(fd_, messages_, static_cast<unsigned>(count), 0);
    return std::max(sent, 0);
  }

 private:
  int fd_;
  sockaddr_ll to_{};
  size_t next_ = 0;
  uint8_t slots_[kBatch][kSlotBytes];
  iovec parts_[kBatch];
  mmsghdr messages_[kBatch]{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) Fail("usage: generator DEVICE MAC");
  static Sender sender(argv[1], argv[2]);
  std::map<std::string, std::vector<Packet>> files;
  char path[1024];
  long rate = 0, milliseconds = 0;
  unsigned port = 0;
  std::puts("ready");
  std::fflush(stdout);
  while (std::scanf("%1023s %ld %ld %u", path, &rate, &milliseconds, &port) == 4) {
    auto [found, isNew] = files.try_emplace(path);
    if (isNew) found->second = ReadPackets(path);
    const int64_t start = NowNs();
    const int64_t end = start + milliseconds * 1'000'000;
    int64_t sent = 0;
    // Of those that were due: a stall makes both start later.
    int64_t asked = 0;
    int64_t since = start;
    int64_t now = start;
    for (; now < end; now = NowNs()) {
      const int64_t late = (now - since) - asked * 1'000'000'000 / rate;
      if (late > kMostLateNs) since += late - kMostLateNs;
      const int64_t due = (now - since) * rate / 1'000'000'000 - asked;
      if (due <= 0) {
        SleepUntil(now + kTickNs);
        continue;
      }
      const int count = static_cast<int>(std::min<int64_t>(due, kBatch));
      asked += count;
      sent += sender.Send(found->second, count, static_cast<uint16_t>(port));
    }
    std::printf("%lld %lld\n", static_cast<long long>(sent), static_cast<long long>((now - start) / 1'000'000));
    std::fflush(stdout);
  }
  return 0;
}
