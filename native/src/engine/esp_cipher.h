// The transform of one SA in one direction, from the ESP header to the ICV. Each implementation is a file of its
// own; cipher_factory.h chooses among them. A key is set once; each packet brings its IV only.
//
// A cipher is not thread-safe. Sequence numbers that repeat are not seen here; seal.cc guards them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/byte_order.h"
#include "engine/esp_packet.h"

namespace isthmus {

// IANA "Transform Type 1 - Encryption Algorithm Transform IDs".
inline constexpr int kEncrNull = 11;
inline constexpr int kEncrAesCbc = 12;
inline constexpr int kEncrAesCcm8 = 14;
inline constexpr int kEncrAesCcm12 = 15;
inline constexpr int kEncrAesCcm16 = 16;
inline constexpr int kEncrAesGcm8 = 18;
inline constexpr int kEncrAesGcm12 = 19;
inline constexpr int kEncrAesGcm16 = 20;
inline constexpr int kEncrNullAuthAesGmac = 21;
inline constexpr int kEncrChacha20Poly1305 = 28;

// IANA "Transform Type 3 - Integrity Algorithm Transform IDs".
inline constexpr int kAuthNone = 0;
inline constexpr int kAuthHmacSha2_256_128 = 12;
inline constexpr int kAuthHmacSha2_384_192 = 13;
inline constexpr int kAuthHmacSha2_512_256 = 14;

enum class Direction { kEncrypt, kDecrypt };

// All bytes are borrowed until the cipher is made.
struct CipherRequest {
  int encryptionId = 0;
  // kAuthNone for a combined mode.
  int integrityId = kAuthNone;
  std::span<const uint8_t> key = {};
  std::span<const uint8_t> salt = {};
  std::span<const uint8_t> integrityKey = {};
  // 32 random bytes that the IVs of AES-CBC are made from; only to encrypt.
  std::span<const uint8_t> ivKey = {};
  bool esn = false;
  Direction direction = Direction::kEncrypt;
};

class EspCipher {
 public:
  // kFailed: the library refused, which is a defect.
  enum class OpenResult { kOk, kIcvMismatch, kFailed };

  virtual ~EspCipher() = default;
  EspCipher(const EspCipher&) = delete;
  EspCipher& operator=(const EspCipher&) = delete;

  const esp::Layout& Layout() const { return layout_; }

  // `packet` has its header and its payload up to the trailer; this writes IV and ICV and encrypts in place.
  // False where the library refuses, which is a defect.
  virtual bool Seal(std::span<uint8_t> packet, uint64_t sequence) = 0;

  // `packet` is at least Layout().ShortestBytes() long. Decrypts in place; the ICV is compared in constant time.
  virtual OpenResult Open(std::span<uint8_t> packet, uint32_t sequenceHigh) = 0;

 protected:
  EspCipher(const esp::Layout& layout, bool esn) : layout_(layout), esn_(esn) {}

  esp::AuthenticatedData AdditionalData(const uint8_t* packet, uint32_t sequenceHigh) const {
    return {packet, esn_, sequenceHigh};
  }

  std::span<uint8_t> Payload(std::span<uint8_t> packet) const {
    const size_t ends = static_cast<size_t>(layout_.PayloadOffset()) + static_cast<size_t>(layout_.icvBytes);
    return packet.subspan(static_cast<size_t>(layout_.PayloadOffset()), packet.size() - ends);
  }

  bool Esn() const { return esn_; }

  uint8_t* Icv(std::span<uint8_t> packet) const { return packet.data() + packet.size() - layout_.icvBytes; }

 private:
  esp::Layout layout_;
  bool esn_;
};

// The IV of a counter-mode transform is the 64-bit number, with and without ESN: unique for as long as the
// number is (RFC 4106 §3.1).
inline void WriteCounterIv(uint8_t* packet, uint64_t sequence) {
  StoreBe32(packet + esp::kIv, static_cast<uint32_t>(sequence >> 32));
  StoreBe32(packet + esp::kIv + 4, static_cast<uint32_t>(sequence));
}

}  // namespace isthmus
