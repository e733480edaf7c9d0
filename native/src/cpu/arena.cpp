#include "cpu/arena.h"

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <atomic>
#include <mutex>

#include "core/options.h"

namespace wl::cpu {
namespace {

std::atomic<int> active_bodies{0};
std::atomic<int> peak{0};

// Counts the bodies that run, so that the arena's bound can be tested.
class Counted {
 public:
  Counted() {
    const int now = active_bodies.fetch_add(1, std::memory_order_relaxed) + 1;
    int seen = peak.load(std::memory_order_relaxed);
    while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
    }
  }
  ~Counted() { active_bodies.fetch_sub(1, std::memory_order_relaxed); }
};

}  // namespace

struct Arena::Shared {
  explicit Shared(int n) : size(n), arena(n, 1) {}
  const int size;
  std::mutex alone;  // in place of the arena where size is 1
  tbb::task_arena arena;
};

Arena::Arena() {
  struct State {
    std::mutex mutex;
    std::shared_ptr<Shared> current;
    // Without it oneTBB caps the workers at the processors, and the option could not ask for more.
    tbb::global_control limit{tbb::global_control::max_allowed_parallelism, kLargestThreadCount};
  };
  static auto* state = new State;  // Never destroyed: calls may run while the process ends.
  const std::lock_guard lock(state->mutex);
  if (state->current == nullptr || state->current->size != thread_count())
    state->current = std::make_shared<Shared>(thread_count());
  shared_ = state->current;
}

int Arena::size() const { return shared_->size; }

void Arena::run(int64_t tasks, Body body) const {
  if (tasks <= 0) return;
  if (size() == 1) {
    // An arena of one gets a second slot from oneTBB when outside threads wait for it.
    const std::lock_guard lock(shared_->alone);
    const Counted counted;
    for (int64_t task = 0; task < tasks; ++task) body(task, 0);
    return;
  }
  shared_->arena.execute([&] {
    // One pull loop a worker: tasks are taken from a counter, in order, so that a worker that starts late
    // costs only its own share.
    std::atomic<int64_t> next{0};
    const auto pull = [&](int) {
      const int slot = tbb::this_task_arena::current_thread_index();
      const Counted counted;
      for (int64_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) body(task, slot);
    };
    const int workers = static_cast<int>(tasks < size() ? tasks : size());
    if (workers == 1) return pull(0);
    tbb::parallel_for(0, workers, 1, pull, tbb::simple_partitioner());
  });
}

int peak_bodies() { return peak.load(std::memory_order_relaxed); }
void reset_peak_bodies() { peak.store(0, std::memory_order_relaxed); }

}  // namespace wl::cpu
