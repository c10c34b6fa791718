#include <cstdio>
#include <cstdlib>

#include "support_coalesce.h"
#include "engine/segmentation.h"
#include "harness.h"

namespace isthmus::test {

CoalesceFixture::CoalesceFixture(CoalescingOptions options)
    : memory_(1 << 20, 512), coalescer_(memory_.Get(), options) {}

std::vector<FrameRead> CoalesceFixture::Run(const std::vector<Bytes>& packets) {
  memory_.Clear();
  for (size_t i = 0; i < packets.size(); i++) {
    int32_t* row = memory_.InnerPacket(static_cast<int32_t>(i));
    row[inner_packet::kOffset] = memory_.Place(packets[i], static_cast<int32_t>(i % 8));
    row[inner_packet::kLength] = static_cast<int32_t>(packets[i].size());
  }
  memory_.PoisonGaps();
  int32_t count = -1;
  const BatchFault fault = coalescer_.Coalesce(static_cast<int32_t>(packets.size()), count);
  std::vector<FrameRead> frames;
  int32_t nextVector = 0;
  for (int32_t i = 0; !fault && i < count; i++) {
    const int32_t* row = memory_.OutFrame(i);
    // Vectors are laid frame behind frame.
    if (row[out_frame::kFirstVector] != nextVector) std::abort();
    FrameRead frame{row[out_frame::kVectorCount],   row[out_frame::kFlags],
                    row[out_frame::kGsoType],       row[out_frame::kHeaderLength],
                    row[out_frame::kSegmentSize],   row[out_frame::kChecksumStart],
                    row[out_frame::kChecksumOffset], {}};
    for (int32_t v = 0; v < frame.vectorCount; v++) {
      const int32_t* cell = memory_.VectorRow(nextVector++);
      const Bytes part = memory_.Read(cell[vector::kOffset], cell[vector::kLength]);
      frame.bytes.insert(frame.bytes.end(), part.begin(), part.end());
    }
    frames.push_back(frame);
  }
  memory_.Clear();
  return frames;
}

std::vector<int32_t> CoalesceFixture::Shape(const std::vector<PacketFields>& packets) {
  std::vector<Bytes> built;
  for (const PacketFields& fields : packets) built.push_back(BuildPacket(fields));
  std::vector<int32_t> shape;
  for (const FrameRead& frame : Run(built)) shape.push_back(frame.vectorCount);
  return shape;
}

std::vector<Bytes> CutAgain(const FrameRead& frame) {
  if (frame.vectorCount == 1) return {frame.bytes};
  const Segmenter segmenter({.frame = frame.bytes.data(),
                             .frameLength = static_cast<int32_t>(frame.bytes.size()),
                             .isTcp = frame.gsoType != gso_type::kUdpL4,
                             .networkHeaderLength = frame.checksumStart,
                             .headersLength = frame.headerLength,
                             .segmentSize = frame.segmentSize,
                             .segments = frame.vectorCount});
  std::vector<Bytes> packets;
  for (int32_t i = 0; i < frame.vectorCount; i++) {
    Bytes packet(frame.bytes.size());
    packet.resize(static_cast<size_t>(segmenter.WriteSegment(i, packet.data())));
    packets.push_back(packet);
  }
  return packets;
}

}  // namespace isthmus::test
