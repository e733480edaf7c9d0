// Stacks for the emulator's fibers (one a CUDA thread) and the switch between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "emulator/mode.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

// A stack on which something runs or waits to go on.
struct Fiber {
  void* stack_pointer = nullptr;
  // Its memory, and what AddressSanitizer keeps for it (that build only).
  const std::byte* stack = nullptr;
  size_t stack_bytes = 0;
  void* sanitizer_stack = nullptr;

  // Of the calling OS thread.
  static Fiber of_thread();
  // Will begin `entry`, which calls begin_fiber first and never returns.
  void prepare(std::byte* top, void (*entry)());
};

// Leaves `from`, which runs, for `to`; returns when something switches back. `ends`: nothing ever will.
void switch_fiber(Fiber& from, Fiber& to, bool ends);
void begin_fiber();

// Stacks that stay for the next grid. Each has a guard page below while they are few (the kernel limits the number of
// mappings); later ones share one guard a slab.
class StackPool {
 public:
#if defined(__SANITIZE_ADDRESS__)
  static constexpr size_t kStackBytes = 512 << 10;
#else
  static constexpr size_t kStackBytes = 64 << 10;
#endif
  StackPool() = default;
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;
  ~StackPool();
  std::byte* top(size_t index);
  // What earlier fibers left behind must not be taken for errors by AddressSanitizer (that build only).
  void forget_frames();
  // Gives the memory of all but the first `keep` stacks back.
  void trim(size_t keep);

 private:
  static constexpr size_t kSlabStacks = 128, kGuardedSlabs = 64, kPage = 4096;
  static constexpr size_t kPitch = kStackBytes + kPage;
  std::vector<std::byte*> slabs_;
};

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
