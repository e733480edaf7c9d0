// The state of what runs: threads, warps, blocks, and the gang of blocks that one worker of the emulator interleaves.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "emulator/checks.h"
#include "emulator/fiber.h"
#include "emulator/launch.h"
#include "emulator/mbarrier.h"
#include "emulator/random.h"
#include "emulator/site_table.h"
#include "emulator/wgmma.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

struct Block;
struct Gang;

// What a blocked thread waits for.
struct Wait {
  const char* operation = nullptr;
  Site site;
  uint32_t number = 0;  // of the barrier; the mask of a warp's collective
};

// A cp.async under way.
struct AsyncCopy {
  const void* source;
  uint32_t destination;
  uint8_t bytes, source_bytes;
  bool done;
  Site site;
};

enum class ThreadState : uint8_t { kReady, kBlocked, kExited };

struct Thread : ThreadView {
  Fiber fiber;
  std::byte* stack_top = nullptr;
  Block* block = nullptr;
  uint32_t index = 0, warp = 0;
  ThreadState state = ThreadState::kReady;
  Wait wait;
  std::vector<AsyncCopy> copies;
  std::vector<uint32_t> groups;  // number of copies up to the end of each committed group
  // The latest loads with order: a thread that sees the same again polls.
  struct Poll {
    const void* address;
    uint64_t value;
  };
  static constexpr int kPolls = 8;
  Poll polls[kPolls];
  uint32_t next_poll = 0;
};

struct Warp;
// Carries a collective out for `lanes`; false: they do not go on yet.
using Complete = bool (*)(Block& block, Warp& warp, void* const* arguments, uint32_t lanes);

// A collective for which lanes of a warp gather; the last one carries it out for all.
struct Rendezvous {
  const char* operation;
  Site site;
  Complete complete;
  uint32_t mask, arrived;
  void* arguments[32];
};

struct Warp {
  uint32_t alive = 0;  // lanes that have not exited
  uint32_t open = 0;   // rendezvous under way
  Rendezvous rendezvous[32];
  GroupProducts products;
};

struct Barrier {
  uint32_t threads = 0;  // expected, 0: all that have not exited
  uint32_t arrived = 0;
  std::vector<Thread*> waiting;
  Clock clock;          // checked build: what those that arrived had done
  Causality causality;  // ... and knew of other blocks
};

struct Block {
  static constexpr uint32_t kBarriers = 16;
  Gang* gang = nullptr;
  Dim3 ctaid;
  uint32_t number = 0;  // of all of the grid
  std::byte* shared = nullptr;
  uint32_t shared_bytes = 0, thread_count = 0, live = 0;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  Barrier barriers[kBarriers];
  AsyncState async;
  std::vector<GroupOrder> group_orders;  // by warp group
  std::unique_ptr<BlockChecks> checks;   // checked build only
};

// Threads that can run, in order of arrival.
class RunQueue {
 public:
  void reset(size_t threads) {
    size_t capacity = 1;
    while (capacity < threads) capacity *= 2;
    if (entries_.size() < capacity) entries_.resize(capacity);
    mask_ = entries_.size() - 1;
    head_ = tail_ = 0;
  }
  bool empty() const { return head_ == tail_; }
  void push(Thread* thread) { entries_[tail_++ & mask_] = thread; }
  Thread* pop() { return entries_[head_++ & mask_]; }
  Thread* pop_random(Random& random) {
    std::swap(entries_[head_ & mask_], entries_[(head_ + random.below(tail_ - head_)) & mask_]);
    return pop();
  }

 private:
  std::vector<Thread*> entries_;
  size_t mask_ = 0, head_ = 0, tail_ = 0;
};

struct Grid {
  GridShape shape;
  LaunchOrder order;
  KernelThunk thunk = nullptr;
  const void* call = nullptr;
  const char* name = "";
  // Gangs of the grid that began, counted past the last where workers look for more, and those that ended.
  const std::atomic<uint32_t>* begun = nullptr;
  const std::atomic<uint32_t>* ended = nullptr;
  uint32_t gangs = 0;
};

struct Gang {
  const Grid* grid = nullptr;
  std::vector<Block*> blocks;
  RunQueue ready;
  Random random;
  Fiber worker;
  uint32_t live = 0;
  uint32_t idle_polls = 0;  // loads with order that saw nothing new, since anything else happened
  bool alone = false;       // when a round of them had last ended no other gang was under way
  bool failed = false;
  bool random_schedule = false;
  uint64_t switches = 0, mma = 0;
  SiteTable sites;
  TrafficTable traffic;
};

inline Thread& self() { return *static_cast<Thread*>(current_thread); }
inline Gang& gang() { return *self().block->gang; }

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
