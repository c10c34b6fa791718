// The long loops of checksum.h: one for every machine, one for AVX2, chosen when the addon is loaded.
#include "engine/checksum.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace isthmus::checksum_internal {

uint64_t AddPortable(uint64_t sum, const uint8_t* data, size_t length) {
  uint64_t other = 0;
  for (; length >= 16; data += 16, length -= 16) {
    sum += static_cast<uint64_t>(LoadRaw<uint32_t>(data)) + LoadRaw<uint32_t>(data + 4);
    other += static_cast<uint64_t>(LoadRaw<uint32_t>(data + 8)) + LoadRaw<uint32_t>(data + 12);
  }
  sum += other;
  for (; length >= 4; data += 4, length -= 4) sum += LoadRaw<uint32_t>(data);
  return length == 0 ? sum : AddTail(sum, data, length);
}

uint64_t CopyPortable(uint64_t sum, uint8_t* to, const uint8_t* from, size_t length) {
  for (; length >= 8; from += 8, to += 8, length -= 8) {
    const uint64_t word = LoadRaw<uint64_t>(from);
    std::memcpy(to, &word, sizeof word);
    sum += (word & 0xffffffff) + (word >> 32);
  }
  if (length == 0) return sum;
  uint8_t last[8] = {};
  for (size_t i = 0; i < length; i++) last[i] = to[i] = from[i];
  return sum + LoadRaw<uint32_t>(last) + LoadRaw<uint32_t>(last + 4);
}

#if defined(__x86_64__)

namespace {

#define ISTHMUS_AVX2 __attribute__((target("avx2")))

// Both 32-bit halves of each 64-bit lane are added to a lane that cannot overflow.
ISTHMUS_AVX2 inline __m256i AddHalves(__m256i lanes, __m256i words) {
  const __m256i low = _mm256_and_si256(words, _mm256_set1_epi64x(0xffffffff));
  const __m256i high = _mm256_srli_epi64(words, 32);
  return _mm256_add_epi64(lanes, _mm256_add_epi64(low, high));
}

ISTHMUS_AVX2 inline uint64_t SumLanes(__m256i lanes) {
  const __m128i pair = _mm_add_epi64(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  return static_cast<uint64_t>(_mm_extract_epi64(pair, 0)) +
         static_cast<uint64_t>(_mm_extract_epi64(pair, 1));
}

ISTHMUS_AVX2 inline __m256i Load(const uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

ISTHMUS_AVX2 inline void Store(uint8_t* to, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value);
}

ISTHMUS_AVX2 uint64_t AddAvx2(uint64_t sum, const uint8_t* data, size_t length) {
  __m256i first = _mm256_setzero_si256();
  __m256i second = _mm256_setzero_si256();
  for (; length >= 64; data += 64, length -= 64) {
    first = AddHalves(first, Load(data));
    second = AddHalves(second, Load(data + 32));
  }
  if (length >= 32) {
    first = AddHalves(first, Load(data));
    data += 32;
    length -= 32;
  }
  return AddPortable(sum + SumLanes(_mm256_add_epi64(first, second)), data, length);
}

ISTHMUS_AVX2 uint64_t CopyAvx2(uint64_t sum, uint8_t* to, const uint8_t* from, size_t length) {
  __m256i first = _mm256_setzero_si256();
  __m256i second = _mm256_setzero_si256();
  for (; length >= 64; from += 64, to += 64, length -= 64) {
    const __m256i low = Load(from);
    const __m256i high = Load(from + 32);
    Store(to, low);
    Store(to + 32, high);
    first = AddHalves(first, low);
    second = AddHalves(second, high);
  }
  if (length >= 32) {
    const __m256i words = Load(from);
    Store(to, words);
    first = AddHalves(first, words);
    from += 32;
    to += 32;
    length -= 32;
  }
  return CopyPortable(sum + SumLanes(_mm256_add_epi64(first, second)), to, from, length);
}

#undef ISTHMUS_AVX2

bool HasAvx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}

}  // namespace

const AddFunction kAddLong = HasAvx2() ? AddAvx2 : AddPortable;
const CopyFunction kCopyLong = HasAvx2() ? CopyAvx2 : CopyPortable;

#else

const AddFunction kAddLong = AddPortable;
const CopyFunction kCopyLong = CopyPortable;

#endif

}  // namespace isthmus::checksum_internal
