// What IKE asks of OpenSSL directly, because node:crypto takes several times as long for it: HMAC-SHA-2 as PRF
// (RFC 4868 §2), X25519 and X448 (RFC 7748). Private keys are the caller's bytes, and the caller zeroes them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace isthmus {

enum class PrfHash { kSha256, kSha384, kSha512 };

constexpr size_t kMaxHashBytes = 64;

// HMAC of the parts, one behind the other. Writes as many bytes as the hash has and returns their number; 0 where
// OpenSSL fails.
size_t ComputePrf(PrfHash hash, std::span<const uint8_t> key, std::span<const std::span<const uint8_t>> parts,
                  std::array<uint8_t, kMaxHashBytes>* output);

enum class MontgomeryCurve { kX25519, kX448 };

// Of a private key, a public value and a shared secret.
size_t MontgomeryBytes(MontgomeryCurve curve);

// Each returns nothing where a length is wrong or OpenSSL fails; Agree also where the result would be zero, which is
// what a public value of small order gives (RFC 7748 §6, RFC 8031 §5).
std::optional<std::vector<uint8_t>> MontgomeryPublic(MontgomeryCurve curve, std::span<const uint8_t> privateKey);
std::optional<std::vector<uint8_t>> MontgomeryAgree(MontgomeryCurve curve, std::span<const uint8_t> privateKey,
                                                    std::span<const uint8_t> peer);

}  // namespace isthmus
