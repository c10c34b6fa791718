// The JavaScript functions about the process itself (src/dataplane/native/addon.ts).
#pragma once

#include <napi.h>

namespace isthmus {

// Each leaves an exception pending where it fails.
void JsReplaceProcess(const Napi::CallbackInfo& info);
void JsAdoptDescriptor(const Napi::CallbackInfo& info);
void JsHardenProcess(const Napi::CallbackInfo& info);
void JsLockMemory(const Napi::CallbackInfo& info);

}  // namespace isthmus
