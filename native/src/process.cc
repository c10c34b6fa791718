#include "process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

namespace isthmus {

namespace {

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  // execve() takes them as writable and does not write.
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

bool SetCloseOnExec(int fd, bool closes) {
  const int flags = ::fcntl(fd, F_GETFD);
  if (flags < 0) return false;
  return ::fcntl(fd, F_SETFD, closes ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC) == 0;
}

std::string Name(int fd) { return "descriptor " + std::to_string(fd); }

}  // namespace

Result<bool> ReplaceProcess(const std::string& file, const std::vector<std::string>& arguments,
                            const std::vector<std::string>& environment, const std::vector<int>& descriptors) {
  // Node keeps the standard ones from the programs that it starts, too.
  std::vector<int> kept{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  kept.insert(kept.end(), descriptors.begin(), descriptors.end());
  SystemFailure failure;
  for (const int fd : kept) {
    if (!SetCloseOnExec(fd, false)) failure = {errno, "fcntl F_SETFD", Name(fd)};
  }
  if (failure.error == 0) {
    ::execve(file.c_str(), Pointers(arguments).data(), Pointers(environment).data());
    failure = {errno, "execve", file};
  }
  for (const int fd : kept) SetCloseOnExec(fd, true);
  return failure;
}

Result<bool> AdoptDescriptor(int fd) {
  if (!SetCloseOnExec(fd, true)) return SystemFailure{errno, "fcntl F_SETFD", Name(fd)};
  return true;
}

Result<bool> HardenProcess() {
  const rlimit none{};
  if (::setrlimit(RLIMIT_CORE, &none) < 0) return SystemFailure{errno, "setrlimit RLIMIT_CORE", "this process"};
  if (::prctl(PR_SET_DUMPABLE, 0) < 0) return SystemFailure{errno, "prctl PR_SET_DUMPABLE", "this process"};
  return true;
}

Result<bool> LockMemory(const uint8_t* bytes, size_t length) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<uintptr_t>(bytes);
  const uintptr_t first = address / page * page;
  const size_t whole = (address + length + page - 1) / page * page - first;
  auto* const start = reinterpret_cast<void*>(first);
  const std::string name = std::to_string(whole) + " bytes";
  if (::madvise(start, whole, MADV_DONTDUMP) < 0) return SystemFailure{errno, "madvise MADV_DONTDUMP", name};
  if (::mlock(start, whole) < 0) return SystemFailure{errno, "mlock", name};
  return true;
}

}  // namespace isthmus
