#include "engine/engine_object.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "engine/cipher_factory.h"
#include "engine/coalescing.h"
#include "engine/ipsec_mb.h"
#include "engine/open.h"
#include "engine/sa_table.h"
#include "engine/seal.h"
#include "napi_arguments.h"
#include "napi_batch_memory.h"
#include "napi_errors.h"

namespace isthmus {

namespace {

bool ReadSlot(Napi::Env env, napi_value value, int32_t* slot) {
  if (!ReadInt32(env, value, "slot", slot)) return false;
  if (SaTable::IsSlot(*slot)) return true;
  ThrowRange(env, "slot: expected 0 … " + std::to_string(kMaxSlots - 1));
  return false;
}

// An integer from 0 to `limit`, which is at most 2^53.
bool ReadNumber(Napi::Env env, napi_value value, const char* name, int64_t limit, int64_t* result) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    ThrowType(env, std::string(name) + ": expected a number");
    return false;
  }
  // The comparison is false for NaN too.
  if (!(number >= 0 && number <= static_cast<double>(limit)) ||
      number != static_cast<double>(static_cast<int64_t>(number))) {
    ThrowRange(env, std::string(name) + ": expected an integer from 0 to " + std::to_string(limit));
    return false;
  }
  *result = static_cast<int64_t>(number);
  return true;
}

bool ReadLibrary(Napi::Env env, napi_value options, CipherLibrary* library) {
  napi_value value = nullptr;
  std::string name;
  if (!ReadProperty(env, options, "cipherLibrary", &value) || !ReadString(env, value, "cipherLibrary", &name)) {
    return false;
  }
  if (name == "auto") {
    *library = CipherLibrary::kAuto;
  } else if (name == "openssl") {
    *library = CipherLibrary::kOpenssl;
  } else if (name == "ipsec-mb") {
    *library = CipherLibrary::kIpsecMb;
    if (const IpsecMb& found = FindIpsecMb(); found.manager == nullptr) {
      Napi::Error::New(env, "ipsec-mb cannot be used: " + found.missing).ThrowAsJavaScriptException();
      return false;
    }
  } else {
    ThrowRange(env, "cipherLibrary: expected auto, openssl or ipsec-mb");
    return false;
  }
  return true;
}

// The bytes are borrowed until the native call returns.
bool ReadBytesProperty(Napi::Env env, napi_value object, const char* name, std::span<const uint8_t>* result) {
  napi_value value = nullptr;
  const uint8_t* bytes = nullptr;
  size_t length = 0;
  if (!ReadProperty(env, object, name, &value) || !ReadBytes(env, value, name, &bytes, &length)) return false;
  *result = {bytes, length};
  return true;
}

// False, with an exception pending, where the batch stopped.
bool Succeeded(Napi::Env env, const BatchFault& fault, const char* table) {
  switch (fault.kind) {
    case BatchFaultKind::kNone:
      return true;
    case BatchFaultKind::kDescriptor:
      ThrowRowViolation(env, {.table = table, .row = fault.row, .field = "offsets and lengths"});
      return false;
    case BatchFaultKind::kCipher:
      Napi::Error::New(env, std::string("the cipher library refused ") + table + " row " + std::to_string(fault.row))
          .ThrowAsJavaScriptException();
      return false;
  }
  return false;
}

// What installOutbound and installInbound are called with, less the key itself.
struct SaArguments {
  int32_t slot = 0;
  uint32_t spi = 0;
  bool esn = false;
  std::unique_ptr<EspCipher> cipher;
};

class EngineObject : public Napi::ObjectWrap<EngineObject> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Engine",
                       {InstanceMethod<&EngineObject::InstallOutbound>("installOutbound"),
                        InstanceMethod<&EngineObject::InstallInbound>("installInbound"),
                        InstanceMethod<&EngineObject::Remove>("remove"),
                        InstanceMethod<&EngineObject::GrantSequenceNumbers>("grantSequenceNumbers"),
                        InstanceMethod<&EngineObject::Seal>("seal"),
                        InstanceMethod<&EngineObject::Open>("open"),
                        InstanceMethod<&EngineObject::Coalesce>("coalesce")});
  }

  explicit EngineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineObject>(info) {
    const Napi::Env env = info.Env();
    CoalescingOptions options{};
    if (!memory_.Attach(env, info[0]) || !ReadBooleanProperty(env, info[1], "coalesceTcp", &options.tcp) ||
        !ReadBooleanProperty(env, info[1], "coalesceUdp", &options.udp) || !ReadLibrary(env, info[1], &library_)) {
      return;
    }
    coalescer_.emplace(memory_.Memory(), options);
  }

 private:
  void InstallOutbound(const Napi::CallbackInfo& info) {
    SaArguments sa;
    if (!ReadSa(info, Direction::kEncrypt, sa)) return;
    table_.InstallOutbound(sa.slot, {.cipher = std::move(sa.cipher), .spi = sa.spi, .esn = sa.esn});
  }

  void InstallInbound(const Napi::CallbackInfo& info) {
    SaArguments sa;
    if (!ReadSa(info, Direction::kDecrypt, sa)) return;
    table_.InstallInbound(sa.slot, {.cipher = std::move(sa.cipher)});
  }

  void Remove(const Napi::CallbackInfo& info) {
    int32_t slot = 0;
    if (ReadSlot(info.Env(), info[0], &slot)) table_.Remove(slot);
  }

  void GrantSequenceNumbers(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    int32_t slot = 0;
    int64_t first = 0;
    int64_t end = 0;
    if (!ReadSlot(env, info[0], &slot) || !ReadNumber(env, info[1], "first", kMaxSequenceEnd, &first) ||
        !ReadNumber(env, info[2], "end", kMaxSequenceEnd, &end)) {
      return;
    }
    switch (table_.Grant(slot, first, end)) {
      case GrantResult::kOk:
        return;
      case GrantResult::kNoSa:
        ThrowRange(env, "no outbound SA in slot " + std::to_string(slot));
        return;
      case GrantResult::kRange:
        ThrowRange(env, "sequence numbers " + std::to_string(first) + " to " + std::to_string(end) +
                            ": not above the block before, or beyond what the SA can send");
        return;
    }
  }

  void Seal(const Napi::CallbackInfo& info) {
    int32_t count = 0;
    if (!ReadCount(info, memory_.Memory().sealJobs.rows, &count)) return;
    Succeeded(info.Env(), SealBatch(memory_.Memory(), table_, count), "sealJobs");
  }

  void Open(const Napi::CallbackInfo& info) {
    int32_t count = 0;
    if (!ReadCount(info, memory_.Memory().openJobs.rows, &count)) return;
    Succeeded(info.Env(), OpenBatch(memory_.Memory(), table_, count), "openJobs");
  }

  Napi::Value Coalesce(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    int32_t count = 0;
    int32_t frames = 0;
    if (!ReadCount(info, coalescer_->MaxPackets(), &count) ||
        !Succeeded(env, coalescer_->Coalesce(count, frames), "innerPackets")) {
      return env.Undefined();
    }
    return Napi::Number::New(env, frames);
  }

  // `rows` is how many the table has.
  static bool ReadCount(const Napi::CallbackInfo& info, int32_t rows, int32_t* count) {
    if (!ReadInt32(info.Env(), info[0], "count", count)) return false;
    if (*count >= 0 && *count <= rows) return true;
    ThrowRange(info.Env(), "count: expected 0 … " + std::to_string(rows));
    return false;
  }

  bool ReadSa(const Napi::CallbackInfo& info, Direction direction, SaArguments& sa) {
    const Napi::Env env = info.Env();
    CipherRequest request{.direction = direction};
    napi_value spiValue = nullptr;
    int64_t spi = 0;
    if (!ReadSlot(env, info[0], &sa.slot) ||
        !ReadInt32Property(env, info[1], "encryptionId", &request.encryptionId) ||
        !ReadInt32Property(env, info[1], "integrityId", &request.integrityId) ||
        !ReadBytesProperty(env, info[1], "key", &request.key) ||
        !ReadBytesProperty(env, info[1], "salt", &request.salt) ||
        !ReadBytesProperty(env, info[1], "integrityKey", &request.integrityKey) ||
        !ReadBytesProperty(env, info[1], "ivKey", &request.ivKey) ||
        !ReadProperty(env, info[1], "spi", &spiValue) || !ReadNumber(env, spiValue, "spi", UINT32_MAX, &spi) ||
        !ReadBooleanProperty(env, info[1], "esn", &sa.esn)) {
      return false;
    }
    sa.spi = static_cast<uint32_t>(spi);
    request.esn = sa.esn;
    sa.cipher = CreateCipher(library_, request);
    if (sa.cipher != nullptr) return true;
    ThrowRange(env, "encryption " + std::to_string(request.encryptionId) + " and integrity " +
                        std::to_string(request.integrityId) + " with keys of " + std::to_string(request.key.size()) +
                        " and " + std::to_string(request.integrityKey.size()) + " bytes and " +
                        std::to_string(request.salt.size()) + " of salt: no such transform");
    return false;
  }

  JsBatchMemory memory_;
  CipherLibrary library_ = CipherLibrary::kAuto;
  SaTable table_;
  // Empty only where the constructor threw, and then JavaScript never got the object.
  std::optional<Coalescer> coalescer_;
};

}  // namespace

Napi::Function DefineEngine(Napi::Env env) { return EngineObject::Define(env); }

}  // namespace isthmus
