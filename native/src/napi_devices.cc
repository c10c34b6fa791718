#include "napi_devices.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "devices.h"
#include "napi_arguments.h"
#include "napi_batch_memory.h"
#include "napi_errors.h"

namespace isthmus {

namespace {

// Far more peers than one gateway has; guards against a wrong number that would take all memory.
constexpr int32_t kMaxEndpoints = 1 << 20;

// Reads a property with a boolean for each of `length` sockets; all have `otherwise` where it is left out.
bool ReadFlags(Napi::Env env, napi_value descriptors, const char* name, uint32_t length, bool otherwise,
               std::vector<bool>* flags) {
  napi_value array = nullptr;
  napi_valuetype type = napi_undefined;
  flags->assign(length, otherwise);
  if (!ReadProperty(env, descriptors, name, &array)) return false;
  if (napi_typeof(env, array, &type) == napi_ok && type == napi_undefined) return true;
  uint32_t count = 0;
  if (napi_get_array_length(env, array, &count) != napi_ok || count != length) {
    ThrowType(env, std::string(name) + ": expected an array as long as sockets");
    return false;
  }
  for (uint32_t i = 0; i < length; i++) {
    napi_value element = nullptr;
    bool flag = false;
    if (napi_get_element(env, array, i, &element) != napi_ok || !ReadBoolean(env, element, name, &flag)) return false;
    (*flags)[i] = flag;
  }
  return true;
}

// Reads `peers`, for each socket that of a peer beside it, or -1; left out where there is none. They come behind the others.
bool ReadPeerSockets(Napi::Env env, napi_value descriptors, std::vector<SocketHandle>* sockets) {
  napi_value fds = nullptr;
  napi_valuetype type = napi_undefined;
  if (!ReadProperty(env, descriptors, "peers", &fds)) return false;
  if (napi_typeof(env, fds, &type) == napi_ok && type == napi_undefined) return true;
  const size_t length = sockets->size();
  uint32_t count = 0;
  if (napi_get_array_length(env, fds, &count) != napi_ok || count != length) {
    ThrowType(env, "peers: expected an array as long as sockets");
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    napi_value element = nullptr;
    int32_t fd = -1;
    if (napi_get_element(env, fds, i, &element) != napi_ok || !ReadInt32(env, element, "peers", &fd)) return false;
    if (fd < 0) continue;
    SocketHandle peer = (*sockets)[i];
    peer.fd = fd;
    sockets->push_back(std::move(peer));
  }
  return true;
}

// Reads `sockets`; `gso`, which is left out where every socket may send trains; `seldom`, where none is.
bool ReadSockets(Napi::Env env, napi_value descriptors, std::vector<SocketHandle>* sockets) {
  napi_value fds = nullptr;
  uint32_t length = 0;
  std::vector<bool> gso;
  std::vector<bool> seldom;
  if (!ReadProperty(env, descriptors, "sockets", &fds)) return false;
  if (napi_get_array_length(env, fds, &length) != napi_ok) {
    ThrowType(env, "sockets: expected an array");
    return false;
  }
  if (!ReadFlags(env, descriptors, "gso", length, true, &gso) ||
      !ReadFlags(env, descriptors, "seldom", length, false, &seldom)) {
    return false;
  }
  for (uint32_t i = 0; i < length; i++) {
    napi_value element = nullptr;
    SocketHandle socket;
    socket.gso = gso[i];
    socket.seldom = seldom[i];
    socket.place = i;
    if (napi_get_element(env, fds, i, &element) != napi_ok || !ReadInt32(env, element, "sockets", &socket.fd)) {
      return false;
    }
    const Result<SocketAddress> local = LocalAddress(socket.fd);
    if (const auto* failure = std::get_if<SystemFailure>(&local)) {
      ThrowSystemFailure(env, *failure);
      return false;
    }
    const auto* address = std::get_if<SocketAddress>(&local);
    socket.family = address->Family();
    socket.device = address->Text();
    sockets->push_back(std::move(socket));
  }
  return ReadPeerSockets(env, descriptors, sockets);
}

class JsDevices : public Napi::ObjectWrap<JsDevices> {
 public:
  explicit JsDevices(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsDevices>(info) {
    const Napi::Env env = info.Env();
    int32_t tun = -1;
    int32_t write = -1;
    int32_t clear = -1;
    int32_t wakeup = -1;
    std::vector<SocketHandle> sockets;
    if (!memory_.Attach(env, info[0]) || !ReadInt32Property(env, info[1], "tun", &tun) ||
        !ReadInt32Property(env, info[1], "write", &write) ||
        !ReadInt32Property(env, info[1], "clear", &clear) ||
        !ReadInt32Property(env, info[1], "wakeup", &wakeup) || !ReadSockets(env, info[1], &sockets)) {
      return;
    }
    devices_ = std::make_unique<Devices>(memory_.Memory(), tun, write, clear, std::move(sockets), wakeup);
  }

  Napi::Value Wait(const Napi::CallbackInfo& info) {
    int32_t timeoutMs = 0;
    int32_t busyMicroseconds = 0;
    if (!ReadInt32(info.Env(), info[0], "timeoutMs", &timeoutMs) ||
        !ReadInt32(info.Env(), info[1], "busyMicroseconds", &busyMicroseconds)) {
      return {};
    }
    return Answer(info.Env(), devices_->Wait(timeoutMs, busyMicroseconds));
  }

  Napi::Value TunRead(const Napi::CallbackInfo& info) { return Answer(info.Env(), devices_->TunRead()); }

  Napi::Value TunWrite(const Napi::CallbackInfo& info) {
    int32_t count = 0;
    if (!ReadInt32(info.Env(), info[0], "count", &count)) return {};
    return Answer(info.Env(), devices_->TunWrite(count));
  }

  Napi::Value ClearWrite(const Napi::CallbackInfo& info) {
    int32_t count = 0;
    if (!ReadInt32(info.Env(), info[0], "count", &count)) return {};
    return Answer(info.Env(), devices_->ClearWrite(count));
  }

  Napi::Value UdpReceive(const Napi::CallbackInfo& info) { return Answer(info.Env(), devices_->UdpReceive()); }

  void UdpSend(const Napi::CallbackInfo& info) {
    int32_t count = 0;
    if (!ReadInt32(info.Env(), info[0], "count", &count)) return;
    if (const auto violation = devices_->UdpSend(count)) ThrowRowViolation(info.Env(), *violation);
  }

  void SetEndpoint(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    int32_t endpoint = 0;
    int32_t socket = 0;
    int32_t port = 0;
    const uint8_t* bytes = nullptr;
    size_t length = 0;
    if (!ReadInt32(env, info[0], "endpoint", &endpoint) || !ReadInt32(env, info[1], "socket", &socket) ||
        !ReadBytes(env, info[2], "address", &bytes, &length) || !ReadInt32(env, info[3], "port", &port)) {
      return;
    }
    const std::vector<SocketHandle>& sockets = devices_->Sockets();
    if (endpoint < 0 || endpoint >= kMaxEndpoints) return ThrowRange(env, "endpoint: out of range");
    if (socket < 0 || static_cast<size_t>(socket) >= sockets.size() ||
        sockets[static_cast<size_t>(socket)].place != static_cast<size_t>(socket)) {
      return ThrowRange(env, "socket: out of range");
    }
    if (port < 0 || port > UINT16_MAX) return ThrowRange(env, "port: out of range");
    const SocketAddress address(bytes, length, static_cast<uint16_t>(port));
    if (address.Family() != sockets[static_cast<size_t>(socket)].family) {
      return ThrowRange(env, "address: not of the socket's family");
    }
    devices_->Sender().SetEndpoint(static_cast<size_t>(endpoint), static_cast<size_t>(socket), address);
  }

  void ExpectMoreFrom(const Napi::CallbackInfo& info) {
    int32_t row = 0;
    if (!ReadInt32(info.Env(), info[0], "datagram", &row)) return;
    if (row < 0 || row >= memory_.Memory().datagramsIn.rows) return ThrowRange(info.Env(), "datagram: out of range");
    devices_->ExpectMoreFrom(row);
  }

 private:
  Napi::Value Answer(Napi::Env env, const BatchResult& result) {
    if (const auto* count = std::get_if<int32_t>(&result)) return Napi::Number::New(env, *count);
    if (const auto* failure = std::get_if<SystemFailure>(&result)) {
      ThrowSystemFailure(env, *failure);
    } else if (const auto* violation = std::get_if<RowViolation>(&result)) {
      ThrowRowViolation(env, *violation);
    }
    return {};
  }

  // Declared before devices_, which refers to it.
  JsBatchMemory memory_;
  std::unique_ptr<Devices> devices_;
};

}  // namespace

Napi::Function DefineDevices(Napi::Env env) {
  return JsDevices::DefineClass(env, "Devices",
                                {
                                    JsDevices::InstanceMethod<&JsDevices::Wait>("wait"),
                                    JsDevices::InstanceMethod<&JsDevices::TunRead>("tunRead"),
                                    JsDevices::InstanceMethod<&JsDevices::TunWrite>("tunWrite"),
                                    JsDevices::InstanceMethod<&JsDevices::ClearWrite>("clearWrite"),
                                    JsDevices::InstanceMethod<&JsDevices::UdpReceive>("udpReceive"),
                                    JsDevices::InstanceMethod<&JsDevices::UdpSend>("udpSend"),
                                    JsDevices::InstanceMethod<&JsDevices::SetEndpoint>("setEndpoint"),
                                    JsDevices::InstanceMethod<&JsDevices::ExpectMoreFrom>("expectMoreFrom"),
                                });
}

}  // namespace isthmus
