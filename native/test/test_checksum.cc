// The Internet checksum against the plainest one, at every alignment and odd lengths (RFC 1071).
#include "engine/checksum.h"

#include "harness.h"
#include "support_packets.h"

namespace isthmus::test {

namespace {

namespace internal = checksum_internal;

// What a sum looks like as a number.
uint16_t Folded(uint64_t sum) {
  uint8_t bytes[2];
  StoreChecksumSum(bytes, sum);
  return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}

constexpr size_t kGuardBytes = 64;
constexpr uint8_t kGuard = 0xa5;

bool CopiesExactly(internal::CopyFunction copy, const Bytes& data, size_t start, size_t length) {
  const size_t shift = start % 32;
  Bytes to(length + 2 * kGuardBytes, kGuard);
  const uint64_t sum = copy(0, to.data() + kGuardBytes - shift, data.data() + start, length);
  bool exact = Folded(sum) == NaiveSum(0, data.data() + start, length);
  for (size_t i = 0; i < to.size(); i++) {
    const size_t from = i + shift - kGuardBytes;
    exact = exact && to[i] == (from < length ? data[start + from] : kGuard);
  }
  return exact;
}

}  // namespace

TEST(ChecksumOfTheExampleInRfc1071Section3) {
  const Bytes data = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  CHECK(Folded(ChecksumAdd(0, data.data(), data.size())) == 0xddf2);
}

TEST(ChecksumEqualsTheNaiveOneAtEveryAlignmentAndLength) {
  auto random = MakeRandom(1);
  for (uint32_t round = 0; round < 4000; round++) {
    const size_t start = Pick(random, 0, 40);
    const size_t length = round < 400 ? round : Pick(random, 0, 3000);
    const Bytes data = Pattern(start + length, round);
    const uint32_t expected = NaiveSum(0, data.data() + start, length);
    CHECK(Folded(ChecksumAdd(0, data.data() + start, length)) == expected);
    CHECK(Folded(internal::kAddLong(0, data.data() + start, length)) == expected);
    CHECK(Folded(internal::AddPortable(0, data.data() + start, length)) == expected);
    CHECK(CopiesExactly(internal::kCopyLong, data, start, length));
    CHECK(CopiesExactly(internal::CopyPortable, data, start, length));
  }
}

TEST(ChecksumContinuesOverPieces) {
  const Bytes data = Pattern(1501, 9);
  uint64_t sum = ChecksumAdd(0, data.data(), 20);
  sum = ChecksumAdd(sum, data.data() + 20, 68);
  sum = ChecksumAdd(sum, data.data() + 88, 1413);
  CHECK(Folded(sum) == NaiveSum(0, data.data(), data.size()));
}

TEST(ChecksumOfTheLargestSumDoesNotOverflow) {
  const Bytes data(65535, 0xff);
  CHECK(Folded(ChecksumAdd(0, data.data(), data.size())) == NaiveSum(0, data.data(), data.size()));
  CHECK(Folded(ChecksumAdd(0xffffffffffff, data.data(), data.size())) == Folded(ChecksumAdd(0, data.data(), 65535)));
}

TEST(ChecksumOfZerosIsZeroAndOnlyThen) {
  const Bytes zeros(1400, 0);
  Bytes ones(1400, 0xff);
  CHECK(Folded(ChecksumAdd(0, zeros.data(), zeros.size())) == 0);
  CHECK(Folded(ChecksumAdd(0, ones.data(), ones.size())) == 0xffff);
}

TEST(ChecksumZeroIsSentAsAllOnesForUdpOnly) {
  uint8_t field[2];
  StoreUdpChecksum(field, ChecksumWord16(0xffff));
  CHECK(field[0] == 0xff && field[1] == 0xff);
  StoreChecksum(field, ChecksumWord16(0xffff));
  CHECK(field[0] == 0 && field[1] == 0);
  StoreUdpChecksum(field, ChecksumWord16(0x1234));
  CHECK(field[0] == 0xed && field[1] == 0xcb);
}

}  // namespace isthmus::test
