// What Node has no call for: another program in the place of this process, with descriptors that stay open, and a process
// that leaves no copy of its memory, on disk neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "system_failure.h"

namespace isthmus {

// execve(2). Returns only where it failed, and then everything is as before.
// `file` is a path; `descriptors` and the three standard ones are inherited, all others are closed.
Result<bool> ReplaceProcess(const std::string& file, const std::vector<std::string>& arguments,
                            const std::vector<std::string>& environment, const std::vector<int>& descriptors);

// A descriptor that was inherited: from now on this process alone has it. Fails where there is none.
Result<bool> AdoptDescriptor(int fd);

// No core file, and no other process of the same user may read the memory: prctl(PR_SET_DUMPABLE), RLIMIT_CORE.
Result<bool> HardenProcess();

// The pages of these bytes, and so what lies beside them, are neither swapped nor part of a core file: mlock(2),
// MADV_DONTDUMP. Until they are unmapped, also where they are freed before.
Result<bool> LockMemory(const uint8_t* bytes, size_t length);

}  // namespace isthmus
