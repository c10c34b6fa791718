#include "napi_batch_memory.h"

#include <cstdint>
#include <string>

#include "napi_arguments.h"
#include "napi_errors.h"

namespace isthmus {

namespace {

// Reads the views of one JavaScript BatchMemory and collects them in an array. Stops at the first failure.
class ViewReader {
 public:
  ViewReader(Napi::Env env, napi_value source, Napi::Array views) : env_(env), source_(source), views_(views) {}

  template <typename T>
  bool View(const char* name, napi_typedarray_type wanted, T** data, size_t* length) {
    napi_value value = nullptr;
    if (!ReadProperty(env_, source_, name, &value)) return false;
    napi_typedarray_type type = napi_int8_array;
    void* address = nullptr;
    if (napi_get_typedarray_info(env_, value, &type, length, &address, nullptr, nullptr) != napi_ok ||
        type != wanted) {
      ThrowType(env_, std::string(name) + ": a typed array of another kind was expected");
      return false;
    }
    *data = static_cast<T*>(address);
    return views_.Set(views_.Length(), Napi::Value(env_, value));
  }

  template <int Stride>
  bool Rows(const char* name, Table<Stride>* table) {
    size_t length = 0;
    if (!View(name, napi_int32_array, &table->cells, &length)) return false;
    if (length / Stride > INT32_MAX) {
      ThrowRange(env_, std::string(name) + ": too many rows");
      return false;
    }
    table->rows = static_cast<int32_t>(length / Stride);
    return true;
  }

  bool Number(napi_value object, const char* name, int64_t* result) {
    int32_t number = 0;
    if (!ReadInt32Property(env_, object, name, &number)) return false;
    *result = number;
    return true;
  }

 private:
  Napi::Env env_;
  napi_value source_;
  Napi::Array views_;
};

}  // namespace

bool JsBatchMemory::Attach(Napi::Env env, Napi::Value value) {
  Napi::Array views = Napi::Array::New(env);
  ViewReader read(env, value, views);
  BatchMemory& memory = memory_;

  napi_value limits = nullptr;
  size_t arenaBytes = 0;
  size_t sourcesBytes = 0;
  size_t destinationsBytes = 0;
  size_t reportAddressBytes = 0;
  size_t clockCells = 0;
  const bool complete = ReadProperty(env, value, "limits", &limits) &&
                        read.Number(limits, "frameBytes", &memory.frameBytes) &&
                        read.Number(limits, "sealedBytes", &memory.sealedBytes) &&
                        read.Number(value, "framesOffset", &memory.framesOffset) &&
                        read.Number(value, "sealedOffset", &memory.sealedOffset) &&
                        read.Number(value, "receivedOffset", &memory.receivedOffset) &&
                        read.View("arena", napi_uint8_array, &memory.arena, &arenaBytes) &&
                        read.View("sources", napi_uint8_array, &memory.sources, &sourcesBytes) &&
                        read.View("destinations", napi_uint8_array, &memory.destinations, &destinationsBytes) &&
                        read.View("reportAddresses", napi_uint8_array, &memory.reportAddresses, &reportAddressBytes) &&
                        read.View("clock", napi_float64_array, &memory.clock, &clockCells) &&
                        read.Rows("frames", &memory.frames) && read.Rows("sealJobs", &memory.sealJobs) &&
                        read.Rows("datagramsOut", &memory.datagramsOut) &&
                        read.Rows("datagramsIn", &memory.datagramsIn) &&
                        read.Rows("pathReports", &memory.pathReports) &&
                        read.Rows("openJobs", &memory.openJobs) &&
                        read.Rows("innerPackets", &memory.innerPackets) &&
                        read.Rows("outFrames", &memory.outFrames) && read.Rows("vectors", &memory.vectors);
  if (!complete) return false;

  // Offsets in the tables are int32.
  if (arenaBytes > INT32_MAX) {
    ThrowRange(env, "arena: larger than 2 GiB");
    return false;
  }
  memory.arenaBytes = static_cast<int64_t>(arenaBytes);
  const int64_t datagrams = memory.datagramsIn.rows;
  if (!memory.Contains(memory.framesOffset, memory.frameBytes) ||
      !memory.Contains(memory.sealedOffset, memory.sealedBytes) ||
      !memory.Contains(memory.receivedOffset, datagrams * kReceiveSlotBytes)) {
    ThrowRange(env, "arena: smaller than its regions");
    return false;
  }
  const int64_t addressBytes = datagrams * kAddressCellBytes;
  if (static_cast<int64_t>(sourcesBytes) < addressBytes || static_cast<int64_t>(destinationsBytes) < addressBytes ||
      static_cast<int64_t>(reportAddressBytes) < int64_t{memory.pathReports.rows} * kAddressCellBytes ||
      memory.pathReports.rows < 1 || clockCells < 1) {
    ThrowRange(env, "sources, destinations, pathReports or clock: smaller than the limits say");
    return false;
  }
  views_ = Napi::Persistent(views.As<Napi::Object>());
  return !env.IsExceptionPending();
}

}  // namespace isthmus
