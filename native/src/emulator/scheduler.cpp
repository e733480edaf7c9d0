#include "emulator/scheduler.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "emulator/async_copy.h"
#include "emulator/barrier.h"
#include "emulator/collective.h"
#include "emulator/report.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

__thread ThreadView* current_thread = nullptr;

namespace {

Thread* next_ready(Gang& gang) {
  if (gang.ready.empty()) return nullptr;
  return gang.random_schedule ? gang.ready.pop_random(gang.random) : gang.ready.pop();
}

// Leaves the calling fiber for the next one that is ready, or for the worker where none is.
void leave(Thread& from) {
  Gang& gang = *from.block->gang;
  Thread* to = next_ready(gang);
  if (to == &from) return;
  ++gang.switches;
  current_thread = to;
  switch_fiber(from.fiber, to ? to->fiber : gang.worker, from.state == ThreadState::kExited);
}

[[noreturn]] void leave_for_worker(Thread& from) {
  current_thread = nullptr;
  switch_fiber(from.fiber, from.block->gang->worker, true);
  __builtin_unreachable();
}

// Thrown through a kernel to end its grid: what the frames on the way own is freed.
struct Aborted {};

void finish_thread(Thread& thread) {
  Block& block = *thread.block;
  finish_copies(thread);
  thread.state = ThreadState::kExited;
  block.gang->idle_polls = 0;
  block.warps[thread.warp].alive &= ~(1u << thread.lane);
  if constexpr (kChecked) {
    if (block.warps[thread.warp].alive == 0) block.checks->traffic.converge(block.gang->traffic, thread.warp);
  }
  --block.live;
  --block.gang->live;
  barriers_after_exit(block);
  collectives_after_exit(block, block.warps[thread.warp]);
}

void fiber_entry() {
  begin_fiber();
  Thread& thread = self();
  try {
    const Grid& grid = *thread.block->gang->grid;
    grid.thunk(grid.call);
    finish_thread(thread);
  } catch (const Aborted&) {
    thread.block->gang->failed = true;
  }
  if (thread.block->gang->failed) leave_for_worker(thread);
  leave(thread);
  __builtin_unreachable();
}

// "0-31, 64" for a sorted list.
std::string ranges(const std::vector<uint32_t>& numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    if (!text.empty()) text += ", ";
    text += std::to_string(numbers[i]);
    if (end - i > 1) text += "-" + std::to_string(numbers[end - 1]);
    i = end;
  }
  return text;
}

// Who waits for what, a line for each block and place.
std::string waiting_list(const Gang& gang) {
  constexpr int kMostBlocks = 4;
  std::string text;
  int blocks = 0;
  for (const Block* block : gang.blocks) {
    if (block->live == 0) continue;
    if (++blocks > kMostBlocks) {
      text += "\n  and further blocks";
      break;
    }
    std::map<std::string, std::vector<uint32_t>> groups;
    for (const Thread& thread : block->threads) {
      if (thread.state == ThreadState::kExited) {
        groups["have exited"].push_back(thread.index);
        continue;
      }
      std::string what = std::string("wait in ") + thread.wait.operation;
      if (thread.wait.operation == kBarSync) {
        const Barrier& barrier = block->barriers[thread.wait.number];
        what += " " + std::to_string(thread.wait.number) + " (" + std::to_string(barrier.arrived) + " of " +
                std::to_string(barrier.threads ? barrier.threads : block->live) + " threads there)";
      }
      groups[what + " at " + describe(thread.wait.site)].push_back(thread.index);
    }
    for (const auto& [what, threads] : groups) {
      text += "\n  block (" + std::to_string(block->ctaid.x) + ", " + std::to_string(block->ctaid.y) + ", " +
              std::to_string(block->ctaid.z) + ") threads " + ranges(threads) + " " + what;
    }
  }
  return text;
}

void report_deadlock(Gang& gang) {
  add_finding("deadlock", std::string("kernel ") + gang.grid->name + waiting_list(gang));
  gang.failed = true;
}

// Whether nobody can help a gang that saw nothing new for some rounds. A gang that runs on another worker may, even one
// whose worker has only just taken it; what it wrote last is seen in the round after its end.
bool is_stuck(Gang& gang, uint32_t rounds) {
  constexpr uint32_t kMostRounds = 1 << 20;
  const Grid& grid = *gang.grid;
  const bool alone = std::min(grid.begun->load(), grid.gangs) - grid.ended->load() <= 1;
  const bool stuck = alone ? gang.alone && rounds > 1 : rounds > kMostRounds;
  gang.alone = alone;
  if (!alone) std::this_thread::yield();
  return stuck;
}

}  // namespace

void run_gang(Gang& gang) {
  gang.live = 0;
  for (Block* block : gang.blocks) gang.live += block->live;
  gang.ready.reset(gang.live);
  for (Block* block : gang.blocks) {
    for (Thread& thread : block->threads) {
      thread.fiber.prepare(thread.stack_top, fiber_entry);
      gang.ready.push(&thread);
    }
  }
  for (;;) {
    Thread* thread = next_ready(gang);
    if (!thread) {
      // Bulk copies arrive as late as they can.
      if (gang.live != 0 && complete_one_copy(gang)) continue;
      break;
    }
    current_thread = thread;
    switch_fiber(gang.worker, thread->fiber, false);
    current_thread = nullptr;
    if (gang.failed) return;
  }
  if (gang.live != 0) return report_deadlock(gang);
  for (const Block* block : gang.blocks) require_no_copies(*block);
}

void block_thread(const Wait& wait) {
  Thread& thread = self();
  thread.state = ThreadState::kBlocked;
  thread.wait = wait;
  leave(thread);
}

void make_ready(Thread& thread) {
  thread.state = ThreadState::kReady;
  thread.block->gang->ready.push(&thread);
}

void yield_thread() {
  Thread& thread = self();
  thread.block->gang->ready.push(&thread);
  leave(thread);
}

void yield_polling(const Wait& wait) {
  constexpr uint32_t kRounds = 64;
  Thread& thread = self();
  Gang& gang = *thread.block->gang;
  thread.wait = wait;
  const uint32_t round = kRounds * gang.live;
  if (++gang.idle_polls % round == 0 && !complete_one_copy(gang) && is_stuck(gang, gang.idle_polls / round)) {
    report_deadlock(gang);
    throw Aborted{};
  }
  yield_thread();
}

void find(const char* kind, const std::string& text, Site site) {
  const Thread& thread = self();
  add_finding(kind, std::string("kernel ") + thread.block->gang->grid->name + ", " + describe(site) + ", " +
                        describe(thread) + ": " + text);
}

void fail(const char* kind, const std::string& text, Site site) {
  find(kind, text, site);
  throw Aborted{};
}

void trap(Site site) { fail("trap", "the kernel trapped", site); }

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
