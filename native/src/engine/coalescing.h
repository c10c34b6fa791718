// Joins runs of inner packets of one flow into super-packets for the TUN, as generic receive offload does:
// whoever cuts the super-packet again gets the packets back. Nothing is copied; a super-packet is the first
// packet, its headers rewritten, and vectors to the payloads of the others. A flow is never reordered.
#pragma once

#include <cstdint>
#include <memory>

#include "batch_memory.h"
#include "engine/batch_fault.h"
#include "engine/inner_packet.h"

namespace isthmus {

struct CoalescingOptions {
  bool tcp;
  bool udp;
};

class Coalescer {
 public:
  // The views of `memory` are borrowed for the coalescer's life.
  Coalescer(const BatchMemory& memory, CoalescingOptions options);

  // How many rows all tables concerned have.
  int32_t MaxPackets() const;

  // Joins InnerPacket rows 0 … count - 1; `frames` becomes the number of OutFrame rows.
  // `count` is at most MaxPackets.
  BatchFault Coalesce(int32_t count, int32_t& frames);

 private:
  static constexpr int kMaxOpenGroups = 16;

  // A super-packet that may still grow.
  struct Group {
    ParsedPacket first;
    int32_t frame;
    int32_t lastRow;
    int32_t segments;
    int32_t payloadTotal;
    // Of the first TCP packet.
    uint32_t sequence;
    bool endsWithPush;

    int32_t SegmentSize() const { return first.payloadLength; }
  };

  void Take(int32_t row, const ParsedPacket& packet);
  bool IsWanted(const ParsedPacket& packet) const;
  // Position in `order_`, or -1.
  int FindGroup(const ParsedPacket& packet) const;
  void StartGroup(int32_t row, const ParsedPacket& packet);
  void JoinGroup(int position, int32_t row, const ParsedPacket& packet);
  void CloseGroup(int position);
  void CloseAll();
  int32_t AddFrame(int32_t row);
  void WriteVectors();

  BatchMemory memory_;
  CoalescingOptions options_;
  // For each InnerPacket row the next row of the same frame, or -1.
  std::unique_ptr<int32_t[]> nextRow_;
  int32_t frames_ = 0;

  Group groups_[kMaxOpenGroups];
  // Indices into `groups_`, and their flow hashes, the oldest group first; behind `open_` the free indices.
  uint8_t order_[kMaxOpenGroups];
  uint32_t hashes_[kMaxOpenGroups];
  int open_ = 0;
};

}  // namespace isthmus
