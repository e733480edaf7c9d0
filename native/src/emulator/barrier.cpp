// Both instructions are .aligned: the lanes of a warp that have not exited execute them together, and the warp counts
// as 32 threads.
#include "emulator/barrier.h"

#include "emulator/collective.h"
#include "emulator/report.h"
#include "emulator/scheduler.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

struct Arrival {
  uint32_t id, threads;
};

uint32_t first_lane(uint32_t lanes) { return static_cast<uint32_t>(__builtin_ctz(lanes)); }

template <class Visit>
void for_threads(Block& block, const Warp& warp, uint32_t lanes, const Visit& visit) {
  const size_t first = static_cast<size_t>(&warp - block.warps.data()) * 32;
  for (; lanes != 0; lanes &= lanes - 1) visit(block.threads[first + first_lane(lanes)]);
}

bool is_complete(const Block& block, const Barrier& barrier) {
  return barrier.arrived >= (barrier.threads ? barrier.threads : block.live);
}

void arrive(Block& block, const Warp& warp, const Arrival& arrival, uint32_t lanes) {
  Barrier& barrier = block.barriers[arrival.id];
  barrier.threads = arrival.threads;
  barrier.arrived += arrival.threads ? 32 : static_cast<uint32_t>(__builtin_popcount(lanes));
  if constexpr (kChecked) {
    for_threads(block, warp, lanes, [&](const Thread& thread) {
      block.checks->clocks.release(thread.index, barrier.clock, barrier.causality);
    });
  }
}

void pass(Block& block, const Barrier& barrier, const Thread& thread) {
  if constexpr (kChecked) block.checks->clocks.acquire(thread.index, barrier.clock, barrier.causality);
}

// Those that wait go on.
void release(Block& block, Barrier& barrier) {
  for (Thread* thread : barrier.waiting) {
    pass(block, barrier, *thread);
    make_ready(*thread);
  }
  if constexpr (kChecked) {
    if (barrier.threads == 0 || barrier.threads >= block.thread_count) ++block.checks->clocks.full_barriers;
    barrier.clock.clear();
    barrier.causality = {};
  }
  barrier.waiting.clear();
  barrier.arrived = barrier.threads = 0;
}

bool complete_sync(Block& block, Warp& warp, void* const* arguments, uint32_t lanes) {
  const Arrival arrival = *static_cast<const Arrival*>(arguments[first_lane(lanes)]);
  arrive(block, warp, arrival, lanes);
  Barrier& barrier = block.barriers[arrival.id];
  if (!is_complete(block, barrier)) {
    for_threads(block, warp, lanes, [&](Thread& thread) { barrier.waiting.push_back(&thread); });
    return false;
  }
  for_threads(block, warp, lanes, [&](const Thread& thread) { pass(block, barrier, thread); });
  release(block, barrier);
  return true;
}

bool complete_arrive(Block& block, Warp& warp, void* const* arguments, uint32_t lanes) {
  const Arrival arrival = *static_cast<const Arrival*>(arguments[first_lane(lanes)]);
  arrive(block, warp, arrival, lanes);
  Barrier& barrier = block.barriers[arrival.id];
  if (is_complete(block, barrier)) release(block, barrier);
  return true;
}

void run(uint32_t id, uint32_t threads, const char* operation, Complete complete, Site site) {
  if (at_site(gang(), site, operation, false) == MutationKind::kSkip) return;
  const Block& block = *self().block;
  if (id >= Block::kBarriers) {
    fail("barrier", std::string(operation) + ": barrier " + std::to_string(id) + ", must be 0 to 15", site);
  }
  if (threads % 32 != 0 || threads > (block.thread_count + 31) / 32 * 32) {
    fail("barrier",
         std::string(operation) + ": " + std::to_string(threads) +
             " threads, must be a multiple of 32 and at most the block's " +
             std::to_string(block.thread_count),
         site);
  }
  const Barrier& barrier = block.barriers[id];
  if (barrier.arrived != 0 && barrier.threads != threads) {
    fail("barrier",
         std::string(operation) + ": barrier " + std::to_string(id) + " is in use for " +
             std::to_string(barrier.threads) + " threads, here for " + std::to_string(threads),
         site);
  }
  Arrival arrival{id, threads};
  rendezvous(operation, complete, ~0u, &arrival, site, id);
}

}  // namespace

void bar_sync(uint32_t id, uint32_t threads, Site site) { run(id, threads, kBarSync, complete_sync, site); }

void bar_arrive(uint32_t id, uint32_t threads, Site site) {
  run(id, threads, kBarArrive, complete_arrive, site);
}

void barriers_after_exit(Block& block) {
  for (Barrier& barrier : block.barriers) {
    if (barrier.arrived != 0 && barrier.threads == 0 && is_complete(block, barrier)) release(block, barrier);
  }
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
