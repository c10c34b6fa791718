// The addon's `Engine` class (NativeEngineHandle of src/dataplane/native/addon.ts): the only file of the engine
// that knows Node-API. Faults of a batch become RangeError or Error; nothing is thrown on packet content.
#pragma once

#include <napi.h>

namespace isthmus {

// The constructor: new Engine(memory, { coalesceTcp, coalesceUdp, cipherLibrary }).
Napi::Function DefineEngine(Napi::Env env);

}  // namespace isthmus
