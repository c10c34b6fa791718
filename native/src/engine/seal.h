// SealJob rows to ESP packets: cut, encapsulate, encrypt. RFC 4303 §3.3, RFC 4106, RFC 7634.
#pragma once

#include <cstdint>

#include "batch_memory.h"
#include "engine/batch_fault.h"
#include "engine/sa_table.h"

namespace isthmus {

// Works rows 0 … count - 1 in order and writes each row's status. A row whose sequence numbers are outside the
// granted block, or not above those before, is refused whole: a nonce met twice gives the key away (RFC 4106 §2).
BatchFault SealBatch(const BatchMemory& memory, SaTable& table, int32_t count);

}  // namespace isthmus
