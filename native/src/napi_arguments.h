// Reads JavaScript arguments and option objects. Each function returns false with a TypeError or RangeError
// pending that names the argument.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace isthmus {

bool ReadInt32(Napi::Env env, napi_value value, const char* name, int32_t* result);
bool ReadBoolean(Napi::Env env, napi_value value, const char* name, bool* result);
bool ReadString(Napi::Env env, napi_value value, const char* name, std::string* result);
// The bytes are borrowed until the native call returns.
bool ReadBytes(Napi::Env env, napi_value value, const char* name, const uint8_t** bytes, size_t* length);

// The value of `object[name]`; undefined where it is not there. Refuses what is not an object.
bool ReadProperty(Napi::Env env, napi_value object, const char* name, napi_value* result);

bool ReadInt32Property(Napi::Env env, napi_value object, const char* name, int32_t* result);
bool ReadBooleanProperty(Napi::Env env, napi_value object, const char* name, bool* result);

}  // namespace isthmus
