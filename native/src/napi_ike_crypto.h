// The JavaScript functions of ike_crypto.h (src/dataplane/native/addon.ts).
#pragma once

#include <napi.h>

namespace isthmus {

// Each leaves an exception pending and returns an empty value where its arguments are wrong.
Napi::Value JsComputePrf(const Napi::CallbackInfo& info);
Napi::Value JsMontgomeryPublic(const Napi::CallbackInfo& info);
Napi::Value JsMontgomeryAgree(const Napi::CallbackInfo& info);

}  // namespace isthmus
