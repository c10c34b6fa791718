#include "engine/open.h"

#include "engine/esp_packet.h"

namespace isthmus {

namespace {

Aead::OpenResult Decapsulate(const InboundSa& sa, uint8_t* packet, int32_t length, uint32_t sequenceHigh) {
  const esp::AuthenticatedData aad(packet, sa.esn, sequenceHigh);
  const size_t ciphertextLength = static_cast<size_t>(length - esp::kCiphertext - kIcvBytes);
  return sa.aead->Open(packet + esp::kIv, aad.Bytes(), {packet + esp::kCiphertext, ciphertextLength},
                       packet + length - kIcvBytes);
}

}  // namespace

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
    if (length < esp::kShortestBytes) return {BatchFaultKind::kDescriptor, index};
    const uint32_t sequenceHigh = static_cast<uint32_t>(row[open_job::kSequenceHigh]);
    switch (Decapsulate(*sa, memory.arena + offset, length, sequenceHigh)) {
      case Aead::OpenResult::kOk:
        row[open_job::kStatus] = job_status::kOk;
        break;
      case Aead::OpenResult::kIcvMismatch:
        row[open_job::kStatus] = job_status::kIcvMismatch;
        break;
      case Aead::OpenResult::kFailed:
        return {BatchFaultKind::kCipher, index};
    }
  }
  return {};
}

}  // namespace isthmus
