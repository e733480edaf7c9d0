// What happened before what, in the checked build: vector clocks of a block's threads, and what threads know of other
// blocks through releases and acquires.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "emulator/mode.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

using Clock = std::vector<uint32_t>;  // by thread of a block

// The clock of a block at a release.
struct BlockClock {
  uint32_t block;
  std::shared_ptr<const Clock> clock;
};
// Sorted by block; absent blocks are unknown.
using Knowledge = std::vector<BlockClock>;
using KnowledgePointer = std::shared_ptr<const Knowledge>;

KnowledgePointer join(const KnowledgePointer& a, const KnowledgePointer& b);
const Clock* clock_of(const KnowledgePointer& known, uint32_t block);

// What one thread knows beyond its own block.
struct Causality {
  KnowledgePointer known;         // happened before
  KnowledgePointer seen;          // seen by relaxed loads: happened before the next fence
  KnowledgePointer released;      // what the last fence released
  bool predecessor_done = false;  // griddepcontrol.wait

  void join_with(const Causality& other) {
    known = join(known, other.known);
    predecessor_done |= other.predecessor_done;
  }
};

// Row t: the latest moment of each thread that comes before the present of thread t.
class BlockClocks {
 public:
  void reset(uint32_t threads) {
    threads_ = threads;
    rows_.assign(static_cast<size_t>(threads) * threads, 0);
    for (uint32_t t = 0; t < threads; ++t) row(t)[t] = 1;
    causality_.assign(threads, {});
    proxy_fences_.assign(threads, 0);
    full_barriers = 0;
  }
  // fence.proxy.async: what the thread has written so far, asynchronous operations may read.
  void fence_proxy(uint32_t thread) {
    proxy_fences_[thread] = now(thread);
    tick(thread);
  }
  bool proxy_fenced(uint32_t thread, uint32_t clock) const { return proxy_fences_[thread] >= clock; }
  uint32_t now(uint32_t thread) const { return row(thread)[thread]; }
  bool before(uint32_t thread, uint32_t other, uint32_t clock) const { return row(thread)[other] >= clock; }
  const uint32_t* row(uint32_t thread) const { return rows_.data() + static_cast<size_t>(thread) * threads_; }
  Causality& causality(uint32_t thread) { return causality_[thread]; }
  const Causality& causality(uint32_t thread) const { return causality_[thread]; }

  // What thread did so far is added to `clock`; what it does from now on is later.
  void release(uint32_t thread, Clock& clock, Causality& causality) {
    clock.resize(threads_, 0);
    take_later(clock.data(), row(thread));
    causality.join_with(causality_[thread]);
    ++row(thread)[thread];
  }
  void acquire(uint32_t thread, const Clock& clock, const Causality& causality) {
    if (!clock.empty()) take_later(row(thread), clock.data());
    causality_[thread].join_with(causality);
  }
  void acquire(uint32_t thread, const Clock& clock) { take_later(row(thread), clock.data()); }
  Clock copy(uint32_t thread) const { return {row(thread), row(thread) + threads_}; }
  void tick(uint32_t thread) { ++row(thread)[thread]; }

  uint32_t full_barriers = 0;  // of all threads, so far

 private:
  uint32_t* row(uint32_t thread) { return rows_.data() + static_cast<size_t>(thread) * threads_; }
  void take_later(uint32_t* to, const uint32_t* from) const {
    for (uint32_t i = 0; i < threads_; ++i) to[i] = to[i] > from[i] ? to[i] : from[i];
  }
  uint32_t threads_ = 0;
  Clock rows_, proxy_fences_;
  std::vector<Causality> causality_;
};

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
