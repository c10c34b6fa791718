#include "engine/open.h"

namespace isthmus {

BatchFault OpenBatch(const BatchMemory& memory, SaTable& table, int32_t count) {
  for (int32_t index = 0; index < count; index++) {
    int32_t* row = memory.openJobs.Row(index);
    const int32_t offset = row[open_job::kOffset];
    const int32_t length = row[open_job::kLength];
    if (!memory.Contains(offset, length)) return {BatchFaultKind::kDescriptor, index};
    const InboundSa* sa = table.Inbound(row[open_job::kSaSlot]);
    if (sa == nullptr) {
      row[open_job::kStatus] = job_status::kNoSa;
      continue;
    }
    if (length < sa->cipher->Layout().ShortestBytes()) return {BatchFaultKind::kDescriptor, index};
    const uint32_t sequenceHigh = static_cast<uint32_t>(row[open_job::kSequenceHigh]);
    const std::span<uint8_t> packet(memory.arena + offset, static_cast<size_t>(length));
    switch (sa->cipher->Open(packet, sequenceHigh)) {
      case EspCipher::OpenResult::kOk:
        row[open_job::kStatus] = job_status::kOk;
        break;
      case EspCipher::OpenResult::kIcvMismatch:
        row[open_job::kStatus] = job_status::kIcvMismatch;
        break;
      case EspCipher::OpenResult::kFailed:
        return {BatchFaultKind::kCipher, index};
    }
  }
  return {};
}

}  // namespace isthmus
