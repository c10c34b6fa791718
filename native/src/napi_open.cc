#include "napi_open.h"

#include <cmath>
#include <cstdint>
#include <string>

#include "descriptors.h"
#include "first_message_filter.h"
#include "napi_arguments.h"
#include "napi_errors.h"
#include "tun_device.h"
#include "udp_datagram.h"
#include "udp_socket.h"

namespace isthmus {

namespace {

// An object under construction; a Set that fails leaves its exception pending and makes Finish empty.
class ResultObject {
 public:
  explicit ResultObject(Napi::Env env) : object_(Napi::Object::New(env)), complete_(!object_.IsEmpty()) {}

  template <typename T>
  ResultObject& Set(const char* name, const T& value) {
    complete_ = complete_ && object_.Set(name, value);
    return *this;
  }

  Napi::Value Finish() const { return complete_ ? Napi::Value(object_) : Napi::Value(); }

 private:
  Napi::Object object_;
  bool complete_;
};

// A mark is an unsigned 32-bit number, which ReadInt32 would refuse in its upper half.
bool ReadMark(Napi::Env env, napi_value options, uint32_t* mark) {
  napi_value value = nullptr;
  double number = 0;
  if (!ReadProperty(env, options, "mark", &value)) return false;
  if (napi_get_value_double(env, value, &number) != napi_ok || !(number >= 0 && number <= UINT32_MAX) ||
      number != std::floor(number)) {
    ThrowRange(env, "mark: expected an unsigned 32-bit integer");
    return false;
  }
  *mark = static_cast<uint32_t>(number);
  return true;
}

bool IsPowerOfTwo(int32_t value) { return value > 0 && (value & (value - 1)) == 0; }

bool ReadUdpRequest(Napi::Env env, napi_value options, UdpRequest* request) {
  napi_value address = nullptr;
  const uint8_t* bytes = nullptr;
  size_t length = 0;
  int32_t port = 0;
  if (!ReadProperty(env, options, "address", &address) || !ReadBytes(env, address, "address", &bytes, &length) ||
      !ReadInt32Property(env, options, "port", &port) || !ReadMark(env, options, &request->mark) ||
      !ReadBooleanProperty(env, options, "reusePort", &request->reusePort) ||
      !ReadBooleanProperty(env, options, "peer", &request->peer) ||
      !ReadInt32Property(env, options, "bufferBytes", &request->bufferBytes) ||
      !ReadBooleanProperty(env, options, "gso", &request->gso) ||
      !ReadBooleanProperty(env, options, "gro", &request->gro)) {
    return false;
  }
  if (length != 4 && length != 16) {
    ThrowRange(env, "address: expected 4 or 16 bytes");
    return false;
  }
  if (port < 0 || port > UINT16_MAX) {
    ThrowRange(env, "port: out of range");
    return false;
  }
  if (request->peer && request->reusePort) {
    ThrowRange(env, "peer: not with reusePort");
    return false;
  }
  request->address = SocketAddress(bytes, length, static_cast<uint16_t>(port));
  return true;
}

}  // namespace

Napi::Value JsOpenTun(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  napi_value nameValue = nullptr;
  std::string name;
  TunOffloads wanted;
  if (!ReadProperty(env, info[0], "name", &nameValue) || !ReadString(env, nameValue, "name", &name) ||
      !ReadBooleanProperty(env, info[0], "checksum", &wanted.checksum) ||
      !ReadBooleanProperty(env, info[0], "tso", &wanted.tso) ||
      !ReadBooleanProperty(env, info[0], "uso", &wanted.uso)) {
    return {};
  }
  Result<TunDevice> result = OpenTun(name, wanted);
  if (const auto* failure = std::get_if<SystemFailure>(&result)) {
    ThrowSystemFailure(env, *failure);
    return {};
  }
  auto& device = *std::get_if<TunDevice>(&result);
  const Napi::Value offloads = ResultObject(env)
                                   .Set("checksum", device.offloads.checksum)
                                   .Set("tso", device.offloads.tso)
                                   .Set("uso", device.offloads.uso)
                                   .Finish();
  if (offloads.IsEmpty()) return {};
  const Napi::Value object =
      ResultObject(env).Set("fd", device.fd.Get()).Set("name", device.name).Set("offloads", offloads).Finish();
  if (!object.IsEmpty()) device.fd.Release();
  return object;
}

Napi::Value JsOpenUdp(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  UdpRequest request;
  if (!ReadUdpRequest(env, info[0], &request)) return {};
  Result<UdpSocket> result = OpenUdp(request);
  if (const auto* failure = std::get_if<SystemFailure>(&result)) {
    ThrowSystemFailure(env, *failure);
    return {};
  }
  auto& socket = *std::get_if<UdpSocket>(&result);
  const Napi::Value object = ResultObject(env)
                                 .Set("fd", socket.fd.Get())
                                 .Set("peer", socket.peer.Get())
                                 .Set("port", static_cast<int>(socket.port))
                                 .Set("receiveBufferBytes", socket.receiveBufferBytes)
                                 .Set("sendBufferBytes", socket.sendBufferBytes)
                                 .Set("gso", socket.gso)
                                 .Set("gro", socket.gro)
                                 .Finish();
  if (object.IsEmpty()) return object;
  socket.fd.Release();
  socket.peer.Release();
  return object;
}

Napi::Value JsCreateWakeup(const Napi::CallbackInfo& info) {
  Result<UniqueFd> result = CreateWakeup();
  if (const auto* failure = std::get_if<SystemFailure>(&result)) {
    ThrowSystemFailure(info.Env(), *failure);
    return {};
  }
  auto& fd = *std::get_if<UniqueFd>(&result);
  const Napi::Value number = Napi::Number::New(info.Env(), fd.Get());
  if (!number.IsEmpty()) fd.Release();
  return number;
}

void JsSignalWakeup(const Napi::CallbackInfo& info) {
  int32_t fd = -1;
  if (!ReadInt32(info.Env(), info[0], "fd", &fd)) return;
  const Result<bool> result = SignalWakeup(fd);
  if (const auto* failure = std::get_if<SystemFailure>(&result)) ThrowSystemFailure(info.Env(), *failure);
}

void JsSteerBySpi(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int32_t fd = -1;
  int32_t sockets = 0;
  if (!ReadInt32(env, info[0], "fd", &fd) || !ReadInt32(env, info[1], "sockets", &sockets)) return;
  if (sockets < 1) return ThrowRange(env, "sockets: expected 1 or more");
  const Result<bool> result = SteerBySpi(fd, sockets);
  if (const auto* failure = std::get_if<SystemFailure>(&result)) ThrowSystemFailure(env, *failure);
}

Napi::Value JsSendDatagram(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int32_t fd = -1;
  bool hasMarker = false;
  int32_t port = 0;
  const uint8_t* address = nullptr;
  size_t addressLength = 0;
  const uint8_t* bytes = nullptr;
  size_t length = 0;
  if (!ReadInt32(env, info[0], "fd", &fd) || !ReadBoolean(env, info[1], "hasMarker", &hasMarker) ||
      !ReadBytes(env, info[2], "address", &address, &addressLength) || !ReadInt32(env, info[3], "port", &port) ||
      !ReadBytes(env, info[4], "bytes", &bytes, &length)) {
    return {};
  }
  if (addressLength != 4 && addressLength != 16) {
    ThrowRange(env, "address: expected 4 or 16 bytes");
    return {};
  }
  if (port < 0 || port > UINT16_MAX) {
    ThrowRange(env, "port: out of range");
    return {};
  }
  const SocketAddress to(address, addressLength, static_cast<uint16_t>(port));
  return Napi::Number::New(env, SendDatagram(fd, hasMarker, to, bytes, length));
}

void JsFilterFirstMessages(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int32_t fd = -1;
  const uint8_t* known = nullptr;
  size_t knownBytes = 0;
  int32_t strangersOneIn = 0;
  int32_t cookiesOneIn = 0;
  FirstMessageFilter filter;
  if (!ReadInt32(env, info[0], "fd", &fd) || !ReadBoolean(env, info[1], "hasMarker", &filter.hasMarker) ||
      !ReadBytes(env, info[2], "known", &known, &knownBytes) ||
      !ReadInt32(env, info[3], "strangersOneIn", &strangersOneIn) ||
      !ReadInt32(env, info[4], "cookiesOneIn", &cookiesOneIn)) {
    return;
  }
  const Result<SocketAddress> local = LocalAddress(fd);
  if (const auto* failure = std::get_if<SystemFailure>(&local)) return ThrowSystemFailure(env, *failure);
  const int family = std::get_if<SocketAddress>(&local)->Family();
  const size_t addressBytes = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  if (knownBytes % addressBytes != 0) return ThrowRange(env, "known: not of the socket's family");
  if (knownBytes / addressBytes > MostKnownAddresses(family)) return ThrowRange(env, "known: too many addresses");
  if (!IsPowerOfTwo(strangersOneIn)) return ThrowRange(env, "strangersOneIn: expected a power of two");
  if (!IsPowerOfTwo(cookiesOneIn)) return ThrowRange(env, "cookiesOneIn: expected a power of two");
  for (size_t at = 0; at < knownBytes; at += addressBytes) filter.known.push_back(known + at);
  filter.strangersOneIn = static_cast<uint32_t>(strangersOneIn);
  filter.cookiesOneIn = static_cast<uint32_t>(cookiesOneIn);
  const Result<bool> result = SetFirstMessageFilter(fd, filter);
  if (const auto* failure = std::get_if<SystemFailure>(&result)) ThrowSystemFailure(env, *failure);
}

Napi::Value JsKernelDrops(const Napi::CallbackInfo& info) {
  int32_t fd = -1;
  if (!ReadInt32(info.Env(), info[0], "fd", &fd)) return {};
  const Result<uint32_t> result = KernelDrops(fd);
  if (const auto* failure = std::get_if<SystemFailure>(&result)) {
    ThrowSystemFailure(info.Env(), *failure);
    return {};
  }
  return Napi::Number::New(info.Env(), *std::get_if<uint32_t>(&result));
}

void JsCloseDescriptor(const Napi::CallbackInfo& info) {
  int32_t fd = -1;
  if (!ReadInt32(info.Env(), info[0], "fd", &fd)) return;
  const Result<bool> result = CloseDescriptor(fd);
  if (const auto* failure = std::get_if<SystemFailure>(&result)) ThrowSystemFailure(info.Env(), *failure);
}

}  // namespace isthmus
