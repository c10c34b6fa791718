#include "napi_arguments.h"

#include "napi_errors.h"

namespace isthmus {

bool ReadInt32(Napi::Env env, napi_value value, const char* name, int32_t* result) {
  double number = 0;
  if (value == nullptr || napi_get_value_double(env, value, &number) != napi_ok) {
    ThrowType(env, std::string(name) + ": expected a number");
    return false;
  }
  // The comparison is false for NaN too.
  if (!(number >= INT32_MIN && number <= INT32_MAX) || number != static_cast<double>(static_cast<int32_t>(number))) {
    ThrowRange(env, std::string(name) + ": expected a 32-bit integer");
    return false;
  }
  *result = static_cast<int32_t>(number);
  return true;
}

bool ReadBoolean(Napi::Env env, napi_value value, const char* name, bool* result) {
  if (value == nullptr || napi_get_value_bool(env, value, result) != napi_ok) {
    ThrowType(env, std::string(name) + ": expected a boolean");
    return false;
  }
  return true;
}

bool ReadString(Napi::Env env, napi_value value, const char* name, std::string* result) {
  size_t length = 0;
  if (value == nullptr || napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) {
    ThrowType(env, std::string(name) + ": expected a string");
    return false;
  }
  // Node-API writes a terminating zero, so it is given one byte more.
  result->resize(length + 1);
  if (napi_get_value_string_utf8(env, value, result->data(), length + 1, &length) != napi_ok) {
    ThrowType(env, std::string(name) + ": the string cannot be read");
    return false;
  }
  result->resize(length);
  return true;
}

bool ReadBytes(Napi::Env env, napi_value value, const char* name, const uint8_t** bytes, size_t* length) {
  napi_typedarray_type type = napi_int8_array;
  void* data = nullptr;
  if (value == nullptr ||
      napi_get_typedarray_info(env, value, &type, length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    ThrowType(env, std::string(name) + ": expected a Uint8Array");
    return false;
  }
  *bytes = static_cast<const uint8_t*>(data);
  return true;
}

bool ReadProperty(Napi::Env env, napi_value object, const char* name, napi_value* result) {
  napi_valuetype type = napi_undefined;
  if (object == nullptr || napi_typeof(env, object, &type) != napi_ok || type != napi_object) {
    ThrowType(env, std::string("expected an object with the property ") + name);
    return false;
  }
  if (napi_get_named_property(env, object, name, result) == napi_ok) return true;
  // A getter that threw has left its own exception.
  if (!env.IsExceptionPending()) ThrowType(env, std::string(name) + ": the property cannot be read");
  return false;
}

bool ReadInt32Property(Napi::Env env, napi_value object, const char* name, int32_t* result) {
  napi_value value = nullptr;
  return ReadProperty(env, object, name, &value) && ReadInt32(env, value, name, result);
}

bool ReadBooleanProperty(Napi::Env env, napi_value object, const char* name, bool* result) {
  napi_value value = nullptr;
  return ReadProperty(env, object, name, &value) && ReadBoolean(env, value, name, result);
}

}  // namespace isthmus
