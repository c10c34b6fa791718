// What stopped a batch: a defect of the caller or of OpenSSL, never the content of a packet.
#pragma once

#include <cstdint>

namespace isthmus {

enum class BatchFaultKind {
  kNone,
  // A row names bytes outside the arena, or numbers that do not go together.
  kDescriptor,
  kCipher,
};

// Rows before `row` are done, the others untouched.
struct BatchFault {
  BatchFaultKind kind = BatchFaultKind::kNone;
  int32_t row = 0;

  explicit operator bool() const { return kind != BatchFaultKind::kNone; }
};

}  // namespace isthmus
