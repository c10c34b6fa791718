// OpenSSL's plain SHA-2 under one shape, for HMACs that take it as a template argument. Nothing is allocated. Who
// includes it defines OPENSSL_SUPPRESS_DEPRECATED first: SHA256_Init and its like are deprecated since OpenSSL 3.0 and
// there in every 3.x.
#pragma once

#include <openssl/sha.h>

#include <cstddef>
#include <cstdint>

namespace isthmus {

struct Sha256 {
  using State = SHA256_CTX;
  static constexpr size_t kHashBytes = SHA256_DIGEST_LENGTH;
  static constexpr size_t kBlockBytes = SHA256_CBLOCK;
  static bool Init(State* state) { return SHA256_Init(state) == 1; }
  static bool Update(State* state, const void* data, size_t length) { return SHA256_Update(state, data, length) == 1; }
  static bool Final(uint8_t* hash, State* state) { return SHA256_Final(hash, state) == 1; }
};

struct Sha384 {
  using State = SHA512_CTX;
  static constexpr size_t kHashBytes = SHA384_DIGEST_LENGTH;
  static constexpr size_t kBlockBytes = SHA512_CBLOCK;
  static bool Init(State* state) { return SHA384_Init(state) == 1; }
  static bool Update(State* state, const void* data, size_t length) { return SHA384_Update(state, data, length) == 1; }
  static bool Final(uint8_t* hash, State* state) { return SHA384_Final(hash, state) == 1; }
};

struct Sha512 {
  using State = SHA512_CTX;
  static constexpr size_t kHashBytes = SHA512_DIGEST_LENGTH;
  static constexpr size_t kBlockBytes = SHA512_CBLOCK;
  static bool Init(State* state) { return SHA512_Init(state) == 1; }
  static bool Update(State* state, const void* data, size_t length) { return SHA512_Update(state, data, length) == 1; }
  static bool Final(uint8_t* hash, State* state) { return SHA512_Final(hash, state) == 1; }
};

}  // namespace isthmus
