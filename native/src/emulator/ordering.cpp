// Release and acquire through global memory, as the PTX memory model orders them: a release is a release access, or a
// fence before a relaxed one; an acquire is an acquire access, or a relaxed one before a fence. All at device scope or
// wider: narrower ones order nothing between blocks.
#include <unordered_map>

#include "emulator/checks.h"
#include "emulator/shadow_global.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

// By address: what the value there releases.
std::unordered_map<uintptr_t, KnowledgePointer>& released() {
  static std::unordered_map<uintptr_t, KnowledgePointer> words;
  return words;
}

// All that comes before the thread's present.
KnowledgePointer publish(Thread& thread) {
  BlockClocks& clocks = thread.block->checks->clocks;
  const auto own = std::make_shared<const Knowledge>(
      Knowledge{{thread.block->number, std::make_shared<const Clock>(clocks.copy(thread.index))}});
  const KnowledgePointer all = join(clocks.causality(thread.index).known, own);
  clocks.tick(thread.index);
  return all;
}

void absorb(Thread& thread, const KnowledgePointer& message) {
  if (!message) return;
  BlockClocks& clocks = thread.block->checks->clocks;
  Causality& causality = clocks.causality(thread.index);
  causality.known = join(causality.known, message);
  if (const Clock* own = clock_of(message, thread.block->number)) clocks.acquire(thread.index, *own);
}

bool acquires(Order order) { return order == Order::kAcquire || order == Order::kAcquireRelease; }
bool releases(Order order) { return order == Order::kRelease || order == Order::kAcquireRelease; }

}  // namespace

void forget_releases() { released().clear(); }

void ordered_read(Thread& thread, uintptr_t address, Order order, Scope scope) {
  const auto word = released().find(address);
  if (scope == Scope::kBlock || word == released().end()) return;
  if (acquires(order)) {
    absorb(thread, word->second);
  } else {
    KnowledgePointer& seen = thread.block->checks->clocks.causality(thread.index).seen;
    seen = join(seen, word->second);
  }
}

void ordered_write(Thread& thread, uintptr_t address, Order order, Scope scope, bool read_modify_write) {
  KnowledgePointer message;
  if (scope != Scope::kBlock) {
    message =
        releases(order) ? publish(thread) : thread.block->checks->clocks.causality(thread.index).released;
  }
  // A read-modify-write carries on what the value released before.
  KnowledgePointer& word = released()[address];
  word = read_modify_write ? join(word, message) : message;
}

void ordered_fence(Thread& thread, Scope scope) {
  if (scope == Scope::kBlock) return;
  Causality& causality = thread.block->checks->clocks.causality(thread.index);
  absorb(thread, causality.seen);
  causality.seen = nullptr;
  causality.released = publish(thread);
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
