// The JavaScript functions that open, signal, send by, filter and close descriptors (src/dataplane/native/addon.ts).
#pragma once

#include <napi.h>

namespace isthmus {

// Each leaves an exception pending and returns an empty value where it fails.
Napi::Value JsOpenTun(const Napi::CallbackInfo& info);
Napi::Value JsOpenUdp(const Napi::CallbackInfo& info);
Napi::Value JsCreateWakeup(const Napi::CallbackInfo& info);
void JsSignalWakeup(const Napi::CallbackInfo& info);
void JsSteerBySpi(const Napi::CallbackInfo& info);
Napi::Value JsSendDatagram(const Napi::CallbackInfo& info);
void JsFilterFirstMessages(const Napi::CallbackInfo& info);
Napi::Value JsKernelDrops(const Napi::CallbackInfo& info);
void JsCloseDescriptor(const Napi::CallbackInfo& info);

}  // namespace isthmus
