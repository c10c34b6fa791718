#include "napi_ike_crypto.h"

#include <openssl/crypto.h>

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ike_crypto.h"
#include "napi_arguments.h"
#include "napi_errors.h"

namespace isthmus {

namespace {

// A key and four pieces of data are what RFC 7296 asks for; more is a mistake.
constexpr size_t kMaxParts = 8;

Napi::Value Copy(Napi::Env env, const uint8_t* bytes, size_t length) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, length);
  if (!array.IsEmpty()) std::memcpy(array.Data(), bytes, length);
  return array;
}

// A copy, and the bytes zeroed; undefined where there are none.
Napi::Value Take(Napi::Env env, std::optional<std::vector<uint8_t>> bytes) {
  if (!bytes) return env.Undefined();
  const Napi::Value value = Copy(env, bytes->data(), bytes->size());
  OPENSSL_cleanse(bytes->data(), bytes->size());
  return value;
}

bool ReadSpan(Napi::Env env, napi_value value, const char* name, std::span<const uint8_t>* bytes) {
  const uint8_t* data = nullptr;
  size_t length = 0;
  if (!ReadBytes(env, value, name, &data, &length)) return false;
  *bytes = std::span(data, length);
  return true;
}

bool ReadHash(Napi::Env env, napi_value value, PrfHash* hash) {
  std::string name;
  if (!ReadString(env, value, "hash", &name)) return false;
  if (name == "sha256") {
    *hash = PrfHash::kSha256;
  } else if (name == "sha384") {
    *hash = PrfHash::kSha384;
  } else if (name == "sha512") {
    *hash = PrfHash::kSha512;
  } else {
    ThrowRange(env, "hash: expected sha256, sha384 or sha512");
    return false;
  }
  return true;
}

bool ReadCurve(Napi::Env env, napi_value value, MontgomeryCurve* curve) {
  std::string name;
  if (!ReadString(env, value, "curve", &name)) return false;
  if (name != "X25519" && name != "X448") {
    ThrowRange(env, "curve: expected X25519 or X448");
    return false;
  }
  *curve = name == "X25519" ? MontgomeryCurve::kX25519 : MontgomeryCurve::kX448;
  return true;
}

}  // namespace

Napi::Value JsComputePrf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  PrfHash hash{};
  std::span<const uint8_t> key;
  if (!ReadHash(env, info[0], &hash) || !ReadSpan(env, info[1], "key", &key)) return {};
  const size_t count = info.Length() - 2;
  std::array<std::span<const uint8_t>, kMaxParts> parts;
  if (count > kMaxParts) {
    ThrowRange(env, "data: expected 8 pieces at most");
    return {};
  }
  for (size_t part = 0; part < count; part++) {
    if (!ReadSpan(env, info[part + 2], "data", &parts[part])) return {};
  }
  std::array<uint8_t, kMaxHashBytes> output;
  const size_t length = ComputePrf(hash, key, std::span(parts).first(count), &output);
  const Napi::Value value = length == 0 ? env.Undefined() : Copy(env, output.data(), length);
  OPENSSL_cleanse(output.data(), output.size());
  return value;
}

Napi::Value JsMontgomeryPublic(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  MontgomeryCurve curve{};
  std::span<const uint8_t> privateKey;
  if (!ReadCurve(env, info[0], &curve) || !ReadSpan(env, info[1], "privateKey", &privateKey)) return {};
  return Take(env, MontgomeryPublic(curve, privateKey));
}

Napi::Value JsMontgomeryAgree(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  MontgomeryCurve curve{};
  std::span<const uint8_t> privateKey;
  std::span<const uint8_t> peer;
  if (!ReadCurve(env, info[0], &curve) || !ReadSpan(env, info[1], "privateKey", &privateKey) ||
      !ReadSpan(env, info[2], "peer", &peer)) {
    return {};
  }
  return Take(env, MontgomeryAgree(curve, privateKey, peer));
}

}  // namespace isthmus
