// All parallel work of the CPU backend runs in one task arena, shared by all callers.
#pragma once

#include <cstdint>
#include <memory>

namespace wl::cpu {

// A non-owning reference to a callable void(int64_t task, int slot).
class Body {
 public:
  template <class F>
  Body(F& f)
      : object_(&f), call_([](void* o, int64_t task, int slot) { (*static_cast<F*>(o))(task, slot); }) {}
  void operator()(int64_t task, int slot) const { call_(object_, task, slot); }

 private:
  void* object_;
  void (*call_)(void*, int64_t, int);
};

// The arena of one call: an op takes it once, asks its size to cut work and scratch, and runs its phases in
// it. A change of the option "threads" makes a new arena for later calls.
class Arena {
 public:
  Arena();
  int size() const;
  // Runs body(task, slot) for every task in [0, tasks); 0 <= slot < size(), and no two running bodies share a
  // slot. Bodies must not throw, and must not wait for other tasks. Tasks are handed out in order, one by
  // one.
  void run(int64_t tasks, Body body) const;

 private:
  struct Job;
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

// Highest number of bodies that ran at once since the last reset: what the tests of the arena look at.
int peak_bodies();
void reset_peak_bodies();

}  // namespace wl::cpu
