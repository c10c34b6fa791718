// Cuts a TCP or UDP super-packet into the packets that a network card with segmentation would send.
// RFC 9293 §3.1, RFC 768, RFC 791 §3.1, RFC 8200 §3. Decides nothing: the caller says where to cut.
#pragma once

#include <cstdint>

namespace isthmus {

// How to cut one frame. Offsets and lengths were checked against the frame by the caller.
struct SegmentationRequest {
  const uint8_t* frame;
  int32_t frameLength;
  bool isTcp;
  int32_t networkHeaderLength;
  // Network and transport header.
  int32_t headersLength;
  int32_t segmentSize;
  int32_t segments;
};

// A super-packet prepared for cutting: the sums of all header fields that every segment shares.
class Segmenter {
 public:
  // `request.frame` is borrowed for as long as WriteSegment is called.
  explicit Segmenter(const SegmentationRequest& request);

  // Writes segment `index` as a whole inner packet and returns its length. The frame stays untouched.
  int32_t WriteSegment(int32_t index, uint8_t* to) const;

 private:
  void WriteNetworkHeader(int32_t index, int32_t packetLength, uint8_t* to) const;

  SegmentationRequest request_;
  bool isIpv4_;
  uint16_t identification_ = 0;
  uint32_t tcpSequence_ = 0;
  uint8_t tcpFlags_ = 0;
  // IPv4 header less total length, identification and checksum.
  uint64_t networkSum_ = 0;
  // Pseudo-header and transport header less length, checksum, and TCP's sequence number and flags.
  uint64_t transportSum_ = 0;
};

// Copies a frame that is one packet. Where `checksumStart` is not negative it completes the partial checksum,
// whose field holds the pseudo-header sum; 6 as `checksumOffset` is UDP's.
void WriteWholePacket(const uint8_t* frame, int32_t frameLength, int32_t checksumStart, int32_t checksumOffset,
                      uint8_t* to);

}  // namespace isthmus
