#include "emulator/async_copy.h"

#include "emulator/report.h"
#include "emulator/scheduler.h"
#include "emulator/shadow_global.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

void complete(Thread& thread, AsyncCopy& copy) {
  if (copy.done) return;
  std::byte* destination = thread.shared + copy.destination;
  std::memcpy(destination, copy.source, copy.source_bytes);
  std::memset(destination + copy.source_bytes, 0, copy.bytes - copy.source_bytes);
  copy.done = true;
}

bool completes_at_once(Gang& gang) {
  switch (settings().completion) {
    case Completion::kEarly:
      return true;
    case Completion::kLate:
      return false;
    case Completion::kRandom:
      return gang.random.below(2) == 0;
  }
  return false;
}

}  // namespace

void cp_async(uint32_t destination, const void* source, uint32_t bytes, uint32_t source_bytes, Site site) {
  Thread& thread = self();
  if (destination % bytes != 0 || (source_bytes != 0 && reinterpret_cast<uintptr_t>(source) % bytes != 0)) {
    fail("misaligned",
         "cp.async of " + std::to_string(bytes) + " bytes to shared address " + std::to_string(destination),
         site);
  }
  if constexpr (kChecked) {
    thread.block->checks->shared.access(thread, destination, bytes, SharedShadow::Kind::kCopy, site);
    if (source_bytes != 0) {
      GlobalShadow::instance().access(thread, reinterpret_cast<uintptr_t>(source), source_bytes, false, false,
                                      Order::kWeak, Scope::kBlock, site);
    }
    count_traffic(thread, "cp.async", &destination, source_bytes != 0 ? source : nullptr, bytes, site);
  }
  AsyncCopy& copy = thread.copies.emplace_back(AsyncCopy{source, destination, static_cast<uint8_t>(bytes),
                                                         static_cast<uint8_t>(source_bytes), false, site});
  // NaN in each floating-point type, so that a read too early shows in the result.
  constexpr int kPoison = 0xff;
  if (completes_at_once(*thread.block->gang)) {
    complete(thread, copy);
  } else {
    std::memset(thread.shared + destination, kPoison, bytes);
  }
}

void cp_async_commit_group(Site site) {
  Thread& thread = self();
  if (at_site(gang(), site, "cp.async.commit_group", false) == MutationKind::kSkip) return;
  thread.groups.push_back(static_cast<uint32_t>(thread.copies.size()));
}

void cp_async_wait_group(uint32_t pending, Site site) {
  Thread& thread = self();
  const MutationKind mutation = at_site(gang(), site, "cp.async.wait_group", true);
  if (mutation == MutationKind::kSkip) return;
  if (mutation == MutationKind::kWeaken) ++pending;
  auto& groups = thread.groups;
  if (groups.size() <= pending) return;
  const size_t done = groups.size() - pending;
  const uint32_t copies = groups[done - 1];
  for (uint32_t i = 0; i < copies; ++i) {
    AsyncCopy& copy = thread.copies[i];
    complete(thread, copy);
    if constexpr (kChecked) thread.block->checks->shared.completed(thread, copy.destination, copy.bytes);
  }
  thread.copies.erase(thread.copies.begin(), thread.copies.begin() + copies);
  groups.erase(groups.begin(), groups.begin() + static_cast<ptrdiff_t>(done));
  for (uint32_t& end : groups) end -= copies;
}

void finish_copies(Thread& thread) {
  for (AsyncCopy& copy : thread.copies) complete(thread, copy);
  thread.copies.clear();
  thread.groups.clear();
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
