#include "emulator/mbarrier.h"

#include <algorithm>

#include "emulator/report.h"
#include "emulator/scheduler.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

constexpr uint32_t kMostCount = (1u << 20) - 1;

void check(uint32_t address, SharedShadow::Kind kind, Site site) {
  if constexpr (kChecked) {
    self().block->checks->shared.access(self(), address, 8, kind, site);
  } else if (address % 8 != 0) {
    fail("misaligned", "mbarrier at shared address " + std::to_string(address) + ", must be a multiple of 8",
         site);
  }
}

MemoryBarrier& barrier_at(uint32_t address, const char* operation, Site site) {
  auto& barriers = self().block->async.barriers;
  const auto found = barriers.find(address);
  if (found == barriers.end()) {
    fail(
        "mbarrier",
        std::string(operation) + ": no mbarrier was initialised at shared address " + std::to_string(address),
        site);
  }
  return found->second;
}

void end_phase_if_complete(Block& block, MemoryBarrier& barrier) {
  if (barrier.pending != 0 || barrier.bytes != 0) return;
  barrier.phase ^= 1;
  barrier.pending = barrier.count;
  if constexpr (kChecked) {
    barrier.arrived.resize(barrier.arriving.size());
    for (size_t i = 0; i < barrier.arriving.size(); ++i) {
      barrier.arrived[i] = std::max(barrier.arrived[i], barrier.arriving[i]);
    }
    barrier.arriving.assign(barrier.arriving.size(), 0);
  }
  for (Thread* thread : barrier.waiting) make_ready(*thread);
  barrier.waiting.clear();
  block.gang->idle_polls = 0;
}

void arrive(MemoryBarrier& barrier, const char* operation, Site site) {
  Thread& thread = self();
  if (barrier.pending == 0) {
    fail("mbarrier",
         std::string(operation) + ": more arrivals in a phase than the count of " +
             std::to_string(barrier.count),
         site);
  }
  if constexpr (kChecked) {
    Causality unused;  // between blocks an mbarrier orders nothing
    thread.block->checks->clocks.release(thread.index, barrier.arriving, unused);
  }
  --barrier.pending;
  end_phase_if_complete(*thread.block, barrier);
}

}  // namespace

void mbarrier_init(uint32_t address, uint32_t count, Site site) {
  check(address, SharedShadow::Kind::kWrite, site);
  if (count == 0 || count > kMostCount) {
    fail("mbarrier", "mbarrier.init: count " + std::to_string(count) + ", must be 1 to 2^20 - 1", site);
  }
  MemoryBarrier barrier;
  barrier.count = barrier.pending = count;
  self().block->async.barriers[address] = std::move(barrier);
}

void mbarrier_arrive(uint32_t address, Site site) {
  constexpr const char* kOperation = "mbarrier.arrive";
  if (at_site(gang(), site, kOperation, false) == MutationKind::kSkip) return;
  check(address, SharedShadow::Kind::kAtomic, site);
  arrive(barrier_at(address, kOperation, site), kOperation, site);
}

void mbarrier_arrive_expect_tx(uint32_t address, uint32_t bytes, Site site) {
  constexpr const char* kOperation = "mbarrier.arrive.expect_tx";
  if (at_site(gang(), site, kOperation, false) == MutationKind::kSkip) return;
  check(address, SharedShadow::Kind::kAtomic, site);
  MemoryBarrier& barrier = barrier_at(address, kOperation, site);
  barrier.bytes += bytes;
  arrive(barrier, kOperation, site);
}

void mbarrier_wait_parity(uint32_t address, uint32_t parity, Site site) {
  constexpr const char* kOperation = "mbarrier.try_wait.parity";
  if (at_site(gang(), site, kOperation, false) == MutationKind::kSkip) return;
  check(address, SharedShadow::Kind::kAtomic, site);
  Thread& thread = self();
  MemoryBarrier& barrier = barrier_at(address, kOperation, site);
  // The phase of this parity is over when the present one has the other.
  while (barrier.phase == (parity & 1)) {
    barrier.waiting.push_back(&thread);
    block_thread({kOperation, site, address});
  }
  if constexpr (kChecked) {
    if (!barrier.arrived.empty()) thread.block->checks->clocks.acquire(thread.index, barrier.arrived);
  }
}

void complete_bytes(Block& block, uint32_t address, uint32_t bytes, const Clock* issued) {
  MemoryBarrier& barrier = block.async.barriers.at(address);
  barrier.bytes -= bytes;
  if (issued) {
    barrier.arriving.resize(issued->size());
    for (size_t i = 0; i < issued->size(); ++i)
      barrier.arriving[i] = std::max(barrier.arriving[i], (*issued)[i]);
  }
  end_phase_if_complete(block, barrier);
}

void fence_proxy_async(Site site) {
  if (at_site(gang(), site, "fence.proxy.async", false) == MutationKind::kSkip) return;
  if constexpr (kChecked) self().block->checks->clocks.fence_proxy(self().index);
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
