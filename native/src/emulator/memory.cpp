// Loads and stores with order, atomics, fences, programmatic dependent launch. The host's memory order is at least as
// strong as what is asked for; that an order is missing is what the checked build finds.
#include "emulator/report.h"
#include "emulator/scheduler.h"
#include "emulator/shadow_global.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

void require_aligned(const void* address, uint32_t bytes, const char* operation, Site site) {
  if (reinterpret_cast<uintptr_t>(address) % bytes != 0) {
    fail("misaligned", std::string(operation) + " of " + std::to_string(bytes) + " bytes", site);
  }
}

uint32_t flushed(uint32_t bits) { return (bits & 0x7f800000u) == 0 ? bits & 0x80000000u : bits; }

uint32_t apply(AtomicOp op, uint32_t old, uint32_t operand, uint32_t compare) {
  switch (op) {
    case AtomicOp::kAddU32:
      return old + operand;
    case AtomicOp::kAddF32:  // in global memory subnormal numbers are zero
      return flushed(__builtin_bit_cast(
          uint32_t, __builtin_bit_cast(float, flushed(old)) + __builtin_bit_cast(float, flushed(operand))));
    case AtomicOp::kMaxU32:
      return old > operand ? old : operand;
    case AtomicOp::kExchangeU32:
      return operand;
    case AtomicOp::kCompareExchangeU32:
      return old == compare ? operand : old;
  }
  return old;
}

const char* name_of(AtomicOp op) {
  switch (op) {
    case AtomicOp::kAddU32:
      return "atom.add.u32";
    case AtomicOp::kAddF32:
      return "atom.add.f32";
    case AtomicOp::kMaxU32:
      return "atom.max.u32";
    case AtomicOp::kExchangeU32:
      return "atom.exch.b32";
    case AtomicOp::kCompareExchangeU32:
      return "atom.cas.b32";
  }
  return "atom";
}

// Whether the thread saw this value here lately; then it waits for a change.
bool polls(Thread& thread, const void* address, uint64_t value) {
  for (const Thread::Poll& poll : thread.polls) {
    if (poll.address == address && poll.value == value) return true;
  }
  thread.polls[thread.next_poll++ % Thread::kPolls] = {address, value};
  return false;
}

// What is left of order and scope where the settings mutate the site: weakening drops the order, or the scope of an
// access without; skipping both.
struct Strength {
  Order order;
  Scope scope;
};
Strength strength_at(Site site, const char* operation, Order order, Scope scope) {
  switch (at_site(gang(), site, operation, true)) {
    case MutationKind::kNone:
      return {order, scope};
    case MutationKind::kWeaken:
      return order == Order::kRelaxed ? Strength{order, Scope::kBlock} : Strength{Order::kRelaxed, scope};
    case MutationKind::kSkip:
      return {Order::kRelaxed, Scope::kBlock};
  }
  return {order, scope};
}

// Waits for others where the thread lately saw the same value here.
void poll(Thread& thread, const void* address, uint64_t value, const char* operation, Site site) {
  if (polls(thread, address, value)) {
    yield_polling({operation, site, 0});
  } else {
    thread.block->gang->idle_polls = 0;
  }
}

}  // namespace

uint64_t load_ordered(const void* address, uint32_t bytes, Order order, Scope scope, Site site) {
  const char* operation = order == Order::kAcquire ? "ld.acquire" : "ld.relaxed";
  require_aligned(address, bytes, operation, site);
  const Strength strength = strength_at(site, operation, order, scope);
  Thread& thread = self();
  const auto load = [&]() -> uint64_t {
    return bytes == 8 ? __atomic_load_n(static_cast<const uint64_t*>(address), __ATOMIC_ACQUIRE)
                      : __atomic_load_n(static_cast<const uint32_t*>(address), __ATOMIC_ACQUIRE);
  };
  const auto check = [&] {
    if constexpr (kChecked) {
      const uintptr_t at = reinterpret_cast<uintptr_t>(address);
      GlobalShadow::instance().access(thread, at, bytes, false, false, strength.order, strength.scope, site);
      ordered_read(thread, at, strength.order, strength.scope);
    }
  };
  check();
  const uint64_t value = load();
  poll(thread, address, value, operation, site);
  const uint64_t later = load();
  if (later != value) check();
  return later;
}

void store_ordered(void* address, uint64_t value, uint32_t bytes, Order order, Scope scope, Site site) {
  const char* operation = order == Order::kRelease ? "st.release" : "st.relaxed";
  require_aligned(address, bytes, operation, site);
  const Strength strength = strength_at(site, operation, order, scope);
  if constexpr (kChecked) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(address);
    GlobalShadow::instance().access(self(), at, bytes, true, false, strength.order, strength.scope, site);
    ordered_write(self(), at, strength.order, strength.scope, false);
  }
  gang().idle_polls = 0;
  if (bytes == 8) {
    __atomic_store_n(static_cast<uint64_t*>(address), value, __ATOMIC_RELEASE);
  } else {
    __atomic_store_n(static_cast<uint32_t*>(address), static_cast<uint32_t>(value), __ATOMIC_RELEASE);
  }
}

uint32_t atomic_global(AtomicOp op, void* address, uint32_t operand, uint32_t compare, Order order,
                       Scope scope, Site site) {
  require_aligned(address, 4, name_of(op), site);
  const Strength strength = strength_at(site, name_of(op), order, scope);
  Thread& thread = self();
  auto* word = static_cast<uint32_t*>(address);
  // One that changes nothing may be a wait.
  const uint32_t before = __atomic_load_n(word, __ATOMIC_RELAXED);
  if (apply(op, before, operand, compare) == before) {
    poll(thread, address, before, name_of(op), site);
  } else {
    thread.block->gang->idle_polls = 0;
  }
  if constexpr (kChecked) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(address);
    GlobalShadow::instance().access(thread, at, 4, true, true, strength.order, strength.scope, site);
    ordered_read(thread, at, strength.order, strength.scope);
    ordered_write(thread, at, strength.order, strength.scope, true);
  }
  uint32_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(word, &old, apply(op, old, operand, compare), false, __ATOMIC_ACQ_REL,
                                      __ATOMIC_RELAXED)) {
  }
  return old;
}

uint32_t atomic_shared(AtomicOp op, uint32_t address, uint32_t operand, uint32_t compare, Site site) {
  Thread& thread = self();
  if constexpr (kChecked) {
    thread.block->checks->shared.access(thread, address, 4, SharedShadow::Kind::kAtomic, site);
  } else if (address % 4 != 0) {
    fail("misaligned", std::string(name_of(op)) + " at shared address " + std::to_string(address), site);
  }
  thread.block->gang->idle_polls = 0;
  uint32_t old;
  std::memcpy(&old, thread.shared + address, sizeof old);
  const uint32_t value = apply(op, old, operand, compare);
  std::memcpy(thread.shared + address, &value, sizeof value);
  return old;
}

void fence(Order, Scope scope, Site site) {
  const MutationKind mutation = at_site(gang(), site, "fence", true);
  if (mutation == MutationKind::kSkip) return;
  if constexpr (kChecked) ordered_fence(self(), mutation == MutationKind::kWeaken ? Scope::kBlock : scope);
}

void griddepcontrol_wait(Site site) {
  if (at_site(gang(), site, "griddepcontrol.wait", false) == MutationKind::kSkip) return;
  if constexpr (kChecked) self().block->checks->clocks.causality(self().index).predecessor_done = true;
}

// Dependents that begin early are a matter of the launch order here.
void griddepcontrol_launch_dependents(Site) {}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
