// File descriptors: ownership, and the eventfd that wakes a worker out of its wait.
#pragma once

#include <utility>

#include "system_failure.h"

namespace isthmus {

// Owns one descriptor and closes it.
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(-1); }

  int Get() const { return fd_; }
  bool IsOpen() const { return fd_ >= 0; }
  // Gives the descriptor away; the caller closes it.
  int Release() { return std::exchange(fd_, -1); }

 private:
  void Reset(int fd);

  int fd_;
};

// An eventfd, non-blocking, close-on-exec.
Result<UniqueFd> CreateWakeup();

// Makes the eventfd readable. One that is signalled already stays so.
Result<bool> SignalWakeup(int fd);

// Takes the signal. Harmless where there is none.
void DrainWakeup(int fd);

Result<bool> CloseDescriptor(int fd);

}  // namespace isthmus
