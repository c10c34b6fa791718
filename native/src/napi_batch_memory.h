// Builds a BatchMemory from the JavaScript object of the same name (src/dataplane/batch-memory.ts) and
// keeps its typed arrays alive. The pointers are read once with napi_get_typedarray_info, which also takes
// views over a SharedArrayBuffer; a view must not be detached or transferred while a holder of it lives.
#pragma once

#include <napi.h>

#include "batch_memory.h"

namespace isthmus {

class JsBatchMemory {
 public:
  // Reads and checks every view. On failure a TypeError or RangeError is pending and false is returned.
  bool Attach(Napi::Env env, Napi::Value value);

  const BatchMemory& Memory() const { return memory_; }

 private:
  BatchMemory memory_;
  // An array of the views: the object they came from could be changed by its owner.
  Napi::ObjectReference views_;
};

}  // namespace isthmus
