// The JavaScript class `Devices` (src/dataplane/native/addon.ts).
#pragma once

#include <napi.h>

namespace isthmus {

// The constructor for this environment; empty with an exception pending where it cannot be made.
Napi::Function DefineDevices(Napi::Env env);

}  // namespace isthmus
