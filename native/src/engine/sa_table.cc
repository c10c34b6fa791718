#include "engine/sa_table.h"

#include <utility>

namespace isthmus {

namespace {

template <typename Sa>
void Install(std::vector<Sa>& table, int64_t slot, Sa sa) {
  const size_t index = static_cast<size_t>(slot);
  if (index >= table.size()) table.resize(index + 1);
  table[index] = std::move(sa);
}

template <typename Sa>
void Clear(std::vector<Sa>& table, int64_t slot) {
  const size_t index = static_cast<size_t>(slot);
  if (index < table.size()) table[index] = Sa{};
}

}  // namespace

void SaTable::InstallOutbound(int64_t slot, OutboundSa sa) {
  Remove(slot);
  Install(outbound_, slot, std::move(sa));
}

void SaTable::InstallInbound(int64_t slot, InboundSa sa) {
  Remove(slot);
  Install(inbound_, slot, std::move(sa));
}

void SaTable::Remove(int64_t slot) {
  Clear(outbound_, slot);
  Clear(inbound_, slot);
}

GrantResult SaTable::Grant(int64_t slot, int64_t first, int64_t end) {
  OutboundSa* sa = IsSlot(slot) ? Outbound(static_cast<int32_t>(slot)) : nullptr;
  if (sa == nullptr) return GrantResult::kNoSa;
  const int64_t limit = sa->esn ? kMaxSequenceEnd : kMaxShortSequenceEnd;
  if (first < sa->end || end < first || end > limit) return GrantResult::kRange;
  sa->next = first;
  sa->end = end;
  return GrantResult::kOk;
}

}  // namespace isthmus
