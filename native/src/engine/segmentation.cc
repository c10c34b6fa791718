#include "engine/segmentation.h"

#include <algorithm>
#include <cstring>

#include "engine/byte_order.h"
#include "engine/checksum.h"
#include "engine/ip_header.h"

namespace isthmus {

namespace {

// The sum of a header of at most 60 bytes without the fields that a segment changes.
class MaskedHeader {
 public:
  MaskedHeader(const uint8_t* header, int32_t length) : length_(static_cast<size_t>(length)) {
    std::memcpy(bytes_, header, length_);
  }

  MaskedHeader& Without(int offset, size_t length) {
    std::memset(bytes_ + offset, 0, length);
    return *this;
  }

  uint64_t Sum() const { return ChecksumAdd(0, bytes_, length_); }

 private:
  static_assert(ipv4::kMaxHeaderBytes == tcp::kMaxHeaderBytes);
  uint8_t bytes_[tcp::kMaxHeaderBytes];
  size_t length_;
};

}  // namespace

Segmenter::Segmenter(const SegmentationRequest& request)
    : request_(request), isIpv4_(request.frame[0] >> 4 == 4) {
  const uint8_t* network = request.frame;
  const uint8_t* transport = network + request.networkHeaderLength;
  const int32_t transportHeaderLength = request.headersLength - request.networkHeaderLength;
  const int protocol = request.isTcp ? tcp::kProtocol : udp::kProtocol;
  if (isIpv4_) {
    identification_ = LoadBe16(network + ipv4::kIdentification);
    networkSum_ = MaskedHeader(network, request.networkHeaderLength)
                      .Without(ipv4::kTotalLength, 2)
                      .Without(ipv4::kIdentification, 2)
                      .Without(ipv4::kChecksum, 2)
                      .Sum();
    transportSum_ = PseudoHeaderSum(network + ipv4::kAddresses, ipv4::kAddressesBytes, protocol);
  } else {
    transportSum_ = PseudoHeaderSum(network + ipv6::kAddresses, ipv6::kAddressesBytes, protocol);
  }
  MaskedHeader header(transport, transportHeaderLength);
  if (request.isTcp) {
    tcpSequence_ = LoadBe32(transport + tcp::kSequence);
    tcpFlags_ = transport[tcp::kFlags];
    header.Without(tcp::kSequence, 4).Without(tcp::kFlags, 1).Without(tcp::kChecksum, 2);
  } else {
    header.Without(udp::kLength, 2).Without(udp::kChecksum, 2);
  }
  transportSum_ += header.Sum();
}

void Segmenter::WriteNetworkHeader(int32_t index, int32_t packetLength, uint8_t* to) const {
  if (!isIpv4_) {
    StoreBe16(to + ipv6::kPayloadLength, static_cast<uint32_t>(packetLength - ipv6::kHeaderBytes));
    return;
  }
  // Every segment is a datagram of its own and needs its own identification (RFC 6864 §4).
  const uint16_t identification = static_cast<uint16_t>(identification_ + index);
  const uint32_t length = static_cast<uint32_t>(packetLength);
  StoreBe16(to + ipv4::kTotalLength, length);
  StoreBe16(to + ipv4::kIdentification, identification);
  StoreChecksum(to + ipv4::kChecksum, networkSum_ + ChecksumWord16(length) + ChecksumWord16(identification));
}

int32_t Segmenter::WriteSegment(int32_t index, uint8_t* to) const {
  const SegmentationRequest& r = request_;
  const int32_t payloadStart = r.headersLength + index * r.segmentSize;
  const int32_t payloadLength = std::min(r.segmentSize, r.frameLength - payloadStart);
  const int32_t packetLength = r.headersLength + payloadLength;
  const uint32_t transportLength = static_cast<uint32_t>(packetLength - r.networkHeaderLength);

  std::memcpy(to, r.frame, static_cast<size_t>(r.headersLength));
  WriteNetworkHeader(index, packetLength, to);

  uint8_t* transport = to + r.networkHeaderLength;
  uint64_t sum = ChecksumCopy(transportSum_ + ChecksumWord32(transportLength), to + r.headersLength,
                              r.frame + payloadStart, static_cast<size_t>(payloadLength));
  if (r.isTcp) {
    const uint32_t sequence = tcpSequence_ + static_cast<uint32_t>(index * r.segmentSize);
    uint8_t flags = tcpFlags_;
    if (index != r.segments - 1) flags &= static_cast<uint8_t>(~(tcp::kFin | tcp::kPsh));
    // CWR answers ECE once, in the first segment (RFC 3168 §6.1.2).
    if (index != 0) flags &= static_cast<uint8_t>(~tcp::kCwr);
    StoreBe32(transport + tcp::kSequence, sequence);
    transport[tcp::kFlags] = flags;
    // The flags are the low byte of their 16-bit word.
    sum += ChecksumWord32(sequence) + ChecksumWord16(flags);
    StoreChecksum(transport + tcp::kChecksum, sum);
  } else {
    StoreBe16(transport + udp::kLength, transportLength);
    sum += ChecksumWord16(transportLength);
    StoreUdpChecksum(transport + udp::kChecksum, sum);
  }
  return packetLength;
}

void WriteWholePacket(const uint8_t* frame, int32_t frameLength, int32_t checksumStart, int32_t checksumOffset,
                      uint8_t* to) {
  if (checksumStart < 0) {
    std::memcpy(to, frame, static_cast<size_t>(frameLength));
    return;
  }
  std::memcpy(to, frame, static_cast<size_t>(checksumStart));
  const uint64_t sum = ChecksumCopy(0, to + checksumStart, frame + checksumStart,
                                    static_cast<size_t>(frameLength - checksumStart));
  uint8_t* field = to + checksumStart + checksumOffset;
  if (checksumOffset == udp::kChecksum) {
    StoreUdpChecksum(field, sum);
  } else {
    StoreChecksum(field, sum);
  }
}

}  // namespace isthmus
