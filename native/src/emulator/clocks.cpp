#include "emulator/clocks.h"

#include <algorithm>

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

// Elementwise the later; one of the two itself where it is.
std::shared_ptr<const Clock> later(const std::shared_ptr<const Clock>& a,
                                   const std::shared_ptr<const Clock>& b) {
  if (a == b) return a;
  Clock both = *a;
  for (size_t i = 0; i < both.size(); ++i) both[i] = std::max(both[i], (*b)[i]);
  if (both == *a) return a;
  if (both == *b) return b;
  return std::make_shared<const Clock>(std::move(both));
}

}  // namespace

KnowledgePointer join(const KnowledgePointer& a, const KnowledgePointer& b) {
  if (!b || a == b) return a;
  if (!a) return b;
  auto both = std::make_shared<Knowledge>();
  both->reserve(std::max(a->size(), b->size()));
  auto i = a->begin(), j = b->begin();
  while (i != a->end() || j != b->end()) {
    if (j == b->end() || (i != a->end() && i->block < j->block)) {
      both->push_back(*i++);
    } else if (i == a->end() || j->block < i->block) {
      both->push_back(*j++);
    } else {
      both->push_back({i->block, later(i->clock, j->clock)});
      ++i, ++j;
    }
  }
  return both;
}

const Clock* clock_of(const KnowledgePointer& known, uint32_t block) {
  if (!known) return nullptr;
  const auto entry = std::lower_bound(known->begin(), known->end(), block,
                                      [](const BlockClock& a, uint32_t b) { return a.block < b; });
  return entry != known->end() && entry->block == block ? entry->clock.get() : nullptr;
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
