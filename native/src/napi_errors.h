// Failures as JavaScript errors. Each function leaves an exception pending; the caller returns at once.
#pragma once

#include <napi.h>

#include <string>

#include "system_failure.h"

namespace isthmus {

// An Error with `code` ('EPERM'), `errno`, `syscall`, `device`, and a message that names all of them.
void ThrowSystemFailure(Napi::Env env, const SystemFailure& failure);

// A RangeError: "descriptor out of bounds: ...".
void ThrowRowViolation(Napi::Env env, const RowViolation& violation);

void ThrowType(Napi::Env env, const std::string& message);
void ThrowRange(Napi::Env env, const std::string& message);

}  // namespace isthmus
