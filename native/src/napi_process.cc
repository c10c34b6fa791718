#include "napi_process.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "napi_arguments.h"
#include "napi_errors.h"
#include "process.h"

namespace isthmus {

namespace {

// Reads an array, each element by `read`.
template <typename T, typename Read>
bool ReadArray(Napi::Env env, napi_value array, const char* name, Read read, std::vector<T>* result) {
  uint32_t length = 0;
  if (array == nullptr || napi_get_array_length(env, array, &length) != napi_ok) {
    ThrowType(env, std::string(name) + ": expected an array");
    return false;
  }
  for (uint32_t i = 0; i < length; i++) {
    napi_value element = nullptr;
    T value{};
    if (napi_get_element(env, array, i, &element) != napi_ok || !read(env, element, name, &value)) return false;
    result->push_back(std::move(value));
  }
  return true;
}

void ThrowIfFailed(Napi::Env env, const Result<bool>& result) {
  if (const auto* failure = std::get_if<SystemFailure>(&result)) ThrowSystemFailure(env, *failure);
}

}  // namespace

void JsReplaceProcess(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string file;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::vector<int32_t> descriptors;
  if (!ReadString(env, info[0], "file", &file) ||
      !ReadArray(env, info[1], "arguments", ReadString, &arguments) ||
      !ReadArray(env, info[2], "environment", ReadString, &environment) ||
      !ReadArray(env, info[3], "descriptors", ReadInt32, &descriptors)) {
    return;
  }
  ThrowIfFailed(env, ReplaceProcess(file, arguments, environment, descriptors));
}

void JsAdoptDescriptor(const Napi::CallbackInfo& info) {
  int32_t fd = -1;
  if (ReadInt32(info.Env(), info[0], "fd", &fd)) ThrowIfFailed(info.Env(), AdoptDescriptor(fd));
}

void JsHardenProcess(const Napi::CallbackInfo& info) { ThrowIfFailed(info.Env(), HardenProcess()); }

void JsLockMemory(const Napi::CallbackInfo& info) {
  const uint8_t* bytes = nullptr;
  size_t length = 0;
  if (ReadBytes(info.Env(), info[0], "memory", &bytes, &length))
    ThrowIfFailed(info.Env(), LockMemory(bytes, length));
}

}  // namespace isthmus
