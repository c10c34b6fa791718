#define OPENSSL_SUPPRESS_DEPRECATED

#include "ike_crypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "sha2.h"

namespace isthmus {

namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Context = std::unique_ptr<EVP_PKEY_CTX, FreeContext>;

// RFC 2104 §2: H(K xor opad, H(K xor ipad, text)), where a key longer than a block is hashed first.
template <typename Hash>
size_t Hmac(std::span<const uint8_t> key, std::span<const std::span<const uint8_t>> parts, uint8_t* output) {
  typename Hash::State state;
  uint8_t block[Hash::kBlockBytes] = {};
  bool done = true;
  if (key.size() > sizeof block) {
    done = Hash::Init(&state) && Hash::Update(&state, key.data(), key.size()) && Hash::Final(block, &state);
  } else {
    std::copy(key.begin(), key.end(), block);
  }
  for (uint8_t& byte : block) byte ^= 0x36;
  done = done && Hash::Init(&state) && Hash::Update(&state, block, sizeof block);
  for (const std::span<const uint8_t> part : parts) {
    done = done && Hash::Update(&state, part.data(), part.size());
  }
  done = done && Hash::Final(output, &state);
  for (uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
  done = done && Hash::Init(&state) && Hash::Update(&state, block, sizeof block) &&
         Hash::Update(&state, output, Hash::kHashBytes) && Hash::Final(output, &state);
  OPENSSL_cleanse(block, sizeof block);
  OPENSSL_cleanse(&state, sizeof state);
  return done ? Hash::kHashBytes : 0;
}

int TypeOf(MontgomeryCurve curve) { return curve == MontgomeryCurve::kX25519 ? EVP_PKEY_X25519 : EVP_PKEY_X448; }

Key PrivateKey(MontgomeryCurve curve, std::span<const uint8_t> bytes) {
  return Key(EVP_PKEY_new_raw_private_key(TypeOf(curve), nullptr, bytes.data(), bytes.size()));
}

// What OpenSSL says of a failure stays in a queue of the thread, where node:crypto would take it for its own.
template <typename T>
std::optional<T> Failed() {
  ERR_clear_error();
  return std::nullopt;
}

}  // namespace

size_t ComputePrf(PrfHash hash, std::span<const uint8_t> key, std::span<const std::span<const uint8_t>> parts,
                  std::array<uint8_t, kMaxHashBytes>* output) {
  switch (hash) {
    case PrfHash::kSha256:
      return Hmac<Sha256>(key, parts, output->data());
    case PrfHash::kSha384:
      return Hmac<Sha384>(key, parts, output->data());
    case PrfHash::kSha512:
      return Hmac<Sha512>(key, parts, output->data());
  }
  return 0;
}

size_t MontgomeryBytes(MontgomeryCurve curve) { return curve == MontgomeryCurve::kX25519 ? 32 : 56; }

std::optional<std::vector<uint8_t>> MontgomeryPublic(MontgomeryCurve curve, std::span<const uint8_t> privateKey) {
  const Key key = PrivateKey(curve, privateKey);
  std::vector<uint8_t> value(MontgomeryBytes(curve));
  size_t length = value.size();
  if (key == nullptr || EVP_PKEY_get_raw_public_key(key.get(), value.data(), &length) != 1 ||
      length != value.size()) {
    return Failed<std::vector<uint8_t>>();
  }
  return value;
}

std::optional<std::vector<uint8_t>> MontgomeryAgree(MontgomeryCurve curve, std::span<const uint8_t> privateKey,
                                                    std::span<const uint8_t> peer) {
  const Key own = PrivateKey(curve, privateKey);
  const Key other(EVP_PKEY_new_raw_public_key(TypeOf(curve), nullptr, peer.data(), peer.size()));
  const Context context(own == nullptr ? nullptr : EVP_PKEY_CTX_new(own.get(), nullptr));
  std::vector<uint8_t> secret(MontgomeryBytes(curve));
  size_t length = secret.size();
  if (other == nullptr || context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
      EVP_PKEY_derive(context.get(), secret.data(), &length) != 1 || length != secret.size()) {
    OPENSSL_cleanse(secret.data(), secret.size());
    return Failed<std::vector<uint8_t>>();
  }
  return secret;
}

}  // namespace isthmus
