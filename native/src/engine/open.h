// OpenJob rows: ESP packets authenticated and decrypted in place. RFC 4303 §3.4, RFC 4106, RFC 7634.
// Replay, padding and the inner packet are judged by the caller.
#pragma once

#include <cstdint>

#include "batch_memory.h"
#include "engine/batch_fault.h"
#include "engine/sa_table.h"

namespace isthmus {

// Works rows 0 … count - 1 and writes each row's status. The plaintext starts behind the IV. Where the ICV does
// not match, the ciphertext's bytes are not to be used.
BatchFault OpenBatch(const BatchMemory& memory, SaTable& table, int32_t count);

}  // namespace isthmus
