// The addon's exports, one set for each environment that loads it (the main thread and every worker).
// src/dataplane/native/addon.ts declares them; there is no state outside the objects that they make.

#include <napi.h>
#include <openssl/crypto.h>

#include "engine/engine_object.h"
#include "engine/ipsec_mb.h"
#include "napi_devices.h"
#include "napi_ike_crypto.h"
#include "napi_open.h"
#include "napi_process.h"

namespace isthmus {

namespace {

// OpenSSL is the Node binary's own; nothing is linked.
Napi::Value OpensslVersion(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), ::OpenSSL_version(OPENSSL_VERSION));
}

// What of ipsec-mb is there: { version, missing }, the other one empty.
Napi::Value IpsecMbStatus(const Napi::CallbackInfo& info) {
  const IpsecMb& found = FindIpsecMb();
  Napi::Object status = Napi::Object::New(info.Env());
  const bool complete =
      !status.IsEmpty() && status.Set("version", found.version) && status.Set("missing", found.missing);
  return complete ? Napi::Value(status) : Napi::Value();
}

template <auto Function>
bool Export(Napi::Env env, Napi::Object exports, const char* name) {
  const Napi::Function function = Napi::Function::New<Function>(env, name);
  return !function.IsEmpty() && exports.Set(name, function);
}

bool Export(Napi::Object exports, const char* name, Napi::Function constructor) {
  return !constructor.IsEmpty() && exports.Set(name, constructor);
}

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  const bool complete = Export<JsOpenTun>(env, exports, "openTun") &&
                        Export<JsOpenUdp>(env, exports, "openUdp") &&
                        Export<JsCreateWakeup>(env, exports, "createWakeup") &&
                        Export<JsSignalWakeup>(env, exports, "signalWakeup") &&
                        Export<JsSteerBySpi>(env, exports, "steerBySpi") &&
                        Export<JsSendDatagram>(env, exports, "sendDatagram") &&
                        Export<JsFilterFirstMessages>(env, exports, "filterFirstMessages") &&
                        Export<JsKernelDrops>(env, exports, "kernelDrops") &&
                        Export<JsCloseDescriptor>(env, exports, "closeDescriptor") &&
                        Export<JsReplaceProcess>(env, exports, "replaceProcess") &&
                        Export<JsAdoptDescriptor>(env, exports, "adoptDescriptor") &&
                        Export<JsHardenProcess>(env, exports, "hardenProcess") &&
                        Export<JsLockMemory>(env, exports, "lockMemory") &&
                        Export<JsComputePrf>(env, exports, "computePrf") &&
                        Export<JsMontgomeryPublic>(env, exports, "montgomeryPublic") &&
                        Export<JsMontgomeryAgree>(env, exports, "montgomeryAgree") &&
                        Export<OpensslVersion>(env, exports, "opensslVersion") &&
                        Export<IpsecMbStatus>(env, exports, "ipsecMb") &&
                        Export(exports, "Engine", DefineEngine(env)) &&
                        Export(exports, "Devices", DefineDevices(env));
  // An incomplete module has an exception pending, which is what require() throws.
  return complete ? exports : Napi::Object();
}

}  // namespace

NODE_API_MODULE(isthmus_native, Initialize)

}  // namespace isthmus
