// What the pure parts of the addon return instead of throwing: a failed system call, or a descriptor row
// that points outside the batch memory. napi_errors.h turns them into JavaScript errors.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace isthmus {

struct SystemFailure {
  // An errno, positive.
  int error = 0;
  // `ioctl TUNSETIFF`, `bind`.
  std::string call;
  // `isthmus0`, `203.0.113.1:4500`.
  std::string device;
  // Says more than the errno's own text; may be empty.
  std::string detail = {};
};

// A defect of the caller: a row of a table is out of bounds.
struct RowViolation {
  const char* table = "";
  int32_t row = 0;
  const char* field = "";
};

template <typename T>
using Result = std::variant<T, SystemFailure>;

// A count of rows, or why there is none.
using BatchResult = std::variant<int32_t, SystemFailure, RowViolation>;

}  // namespace isthmus
