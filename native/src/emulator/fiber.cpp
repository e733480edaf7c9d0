#include "emulator/fiber.h"

#include <sys/mman.h>

#include <new>
#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

namespace {

// Saves the caller's registers on its stack, leaves its stack pointer in `save` and goes on where `to` was saved.
// The System V ABI keeps rbp, rbx and r12 to r15 over a call; the rest is dead here. Nobody changes mxcsr.
__attribute__((naked)) void switch_stack(void** /*save: rdi*/, void* /*to: rsi*/) {
  asm(R"(
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
  )");
}

}  // namespace

void Fiber::prepare(std::byte* top, void (*entry)()) {
  // Below a zero return address (which keeps the alignment that a call leaves) what switch_stack pops.
  constexpr int kSaved = 6;
  auto* words = reinterpret_cast<void**>(top);
  *--words = nullptr;
  *--words = reinterpret_cast<void*>(entry);
  for (int i = 0; i < kSaved; ++i) *--words = nullptr;
  stack_pointer = words;
  stack = top - StackPool::kStackBytes;
  stack_bytes = StackPool::kStackBytes;
}

Fiber Fiber::of_thread() {
  Fiber fiber;
#if defined(__SANITIZE_ADDRESS__)
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) throw std::bad_alloc();
  void* stack = nullptr;
  pthread_attr_getstack(&attributes, &stack, &fiber.stack_bytes);
  pthread_attr_destroy(&attributes);
  fiber.stack = static_cast<const std::byte*>(stack);
#endif
  return fiber;
}

void switch_fiber(Fiber& from, Fiber& to, [[maybe_unused]] bool ends) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(ends ? nullptr : &from.sanitizer_stack, to.stack, to.stack_bytes);
#endif
  switch_stack(&from.stack_pointer, to.stack_pointer);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(from.sanitizer_stack, nullptr, nullptr);
#endif
}

void begin_fiber() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

void StackPool::forget_frames() {
#if defined(__SANITIZE_ADDRESS__)
  for (std::byte* slab : slabs_) ASAN_UNPOISON_MEMORY_REGION(slab, kSlabStacks * kPitch);
#endif
}

std::byte* StackPool::top(size_t index) {
  while (index >= slabs_.size() * kSlabStacks) {
    void* slab = mmap(nullptr, kSlabStacks * kPitch, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slab == MAP_FAILED) throw std::bad_alloc();
    auto* bytes = static_cast<std::byte*>(slab);
    slabs_.push_back(bytes);
    const size_t guards = slabs_.size() <= kGuardedSlabs ? kSlabStacks : 1;
    for (size_t i = 0; i < guards; ++i) {
      if (mprotect(bytes + i * kPitch, kPage, PROT_NONE) != 0) throw std::bad_alloc();
    }
  }
  return slabs_[index / kSlabStacks] + (index % kSlabStacks + 1) * kPitch;
}

void StackPool::trim(size_t keep) {
  const size_t kept_slabs = (keep + kSlabStacks - 1) / kSlabStacks;
  while (slabs_.size() > kept_slabs) {
    munmap(slabs_.back(), kSlabStacks * kPitch);
    slabs_.pop_back();
  }
}

StackPool::~StackPool() { trim(0); }

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
