// The cipher contexts and sequence guards of the SAs, by slot. It grows when an SA is installed and never
// while packets are in work. Which slot is whose is the SAD's affair (src/sad/).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/esp_cipher.h"

namespace isthmus {

struct OutboundSa {
  std::unique_ptr<EspCipher> cipher;
  uint32_t spi = 0;
  bool esn = false;
  // The numbers that may still be used are next … end - 1; none before the first grant.
  int64_t next = 0;
  int64_t end = 0;
};

struct InboundSa {
  std::unique_ptr<EspCipher> cipher;
};

// Enough for any gateway, and a bound on what a wrong slot number can allocate.
inline constexpr int64_t kMaxSlots = 1 << 20;
// A sequence number is a safe integer of JavaScript; without ESN it has 32 bits (RFC 4303 §2.2).
inline constexpr int64_t kMaxSequenceEnd = int64_t{1} << 53;
inline constexpr int64_t kMaxShortSequenceEnd = int64_t{1} << 32;

enum class GrantResult {
  kOk,
  kNoSa,
  // No range, or it begins below the block before, or goes beyond the SA's sequence numbers.
  kRange,
};

class SaTable {
 public:
  static bool IsSlot(int64_t slot) { return slot >= 0 && slot < kMaxSlots; }

  // `slot` is one that IsSlot. An SA of either direction that was there is freed.
  void InstallOutbound(int64_t slot, OutboundSa sa);
  void InstallInbound(int64_t slot, InboundSa sa);
  void Remove(int64_t slot);

  // Allows the numbers first … end - 1, and no others.
  GrantResult Grant(int64_t slot, int64_t first, int64_t end);

  // Null where the slot has no SA of that direction.
  OutboundSa* Outbound(int32_t slot) {
    const size_t index = static_cast<uint32_t>(slot);
    if (index >= outbound_.size() || outbound_[index].cipher == nullptr) return nullptr;
    return &outbound_[index];
  }
  InboundSa* Inbound(int32_t slot) {
    const size_t index = static_cast<uint32_t>(slot);
    if (index >= inbound_.size() || inbound_[index].cipher == nullptr) return nullptr;
    return &inbound_[index];
  }

 private:
  std::vector<OutboundSa> outbound_;
  std::vector<InboundSa> inbound_;
};

}  // namespace isthmus
