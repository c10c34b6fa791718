#include "napi_errors.h"

#include <uv.h>

#include <cerrno>
#include <system_error>

namespace isthmus {

namespace {

// libuv's names, the ones Node itself gives; EBADFD (a TUN whose device is gone) is not among them.
std::string ErrorName(int error) {
  if (error == EBADFD) return "EBADFD";
  char name[64];
  return uv_err_name_r(-error, name, sizeof(name));
}

}  // namespace

void ThrowSystemFailure(Napi::Env env, const SystemFailure& failure) {
  const std::string code = ErrorName(failure.error);
  const std::string reason =
      failure.detail.empty() ? std::generic_category().message(failure.error) : failure.detail;
  const std::string message = failure.call + " " + failure.device + ": " + code + " (errno " +
                              std::to_string(failure.error) + ", " + reason +
                              ")";
  Napi::Error error = Napi::Error::New(env, message);
  if (error.IsEmpty()) return;
  Napi::Object value = error.Value();
  // A failed Set has its own exception pending, which then is the one that is thrown.
  if (!value.Set("code", code)) return;
  if (!value.Set("errno", failure.error)) return;
  if (!value.Set("syscall", failure.call)) return;
  if (!value.Set("device", failure.device)) return;
  error.ThrowAsJavaScriptException();
}

void ThrowRowViolation(Napi::Env env, const RowViolation& violation) {
  ThrowRange(env, std::string("descriptor out of bounds: ") + violation.table + " row " +
                      std::to_string(violation.row) + ", " + violation.field);
}

void ThrowType(Napi::Env env, const std::string& message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
}

void ThrowRange(Napi::Env env, const std::string& message) {
  Napi::RangeError::New(env, message).ThrowAsJavaScriptException();
}

}  // namespace isthmus
