#include "cpu/arena.h"

#include <immintrin.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

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

// One call's tasks. Workers take them from a counter, in order, so that one that starts late costs only its own share.
struct Arena::Job {
  const Body body;
  const int64_t tasks;
  std::atomic<int64_t> next{0};
  std::atomic<int> helpers{0};  // that work on it, beside the caller
  Job* following = nullptr;

  bool open() const { return next.load(std::memory_order_relaxed) < tasks; }
  void work() {
    const int slot = tbb::this_task_arena::current_thread_index();
    const Counted counted;
    for (int64_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) body(task, slot);
  }
};

// Helpers are tasks of the arena that work on whatever call has tasks, and look for the next call for a while before
// they end: a decoder makes hundreds of short calls a token, and a thread that sleeps between them wakes up too late.
struct Arena::Shared : std::enable_shared_from_this<Arena::Shared> {
  explicit Shared(int n) : size(n), arena(n, 1) {}

  void run(Job& job) {
    post(job);
    job.work();
    withdraw(job);
  }

  const int size;
  std::mutex alone;  // in place of the arena where size is 1
  tbb::task_arena arena;

 private:
  static constexpr std::chrono::microseconds kLinger{100};
  static constexpr int kSpins = 64;  // between two looks at the clock

  void post(Job& job) {
    int missing = 0;
    {
      const std::lock_guard lock(mutex_);
      job.following = jobs_;
      jobs_ = &job;
      posted_.fetch_add(1, std::memory_order_relaxed);
      missing = static_cast<int>(std::min<int64_t>(job.tasks, size)) - 1 - helpers_;
      if (missing > 0) helpers_ += missing;
    }
    for (; missing > 0; --missing) {
      try {
        arena.enqueue([self = shared_from_this()] { self->help(); });
      } catch (...) {  // No memory for a task: the caller works alone.
        const std::lock_guard lock(mutex_);
        helpers_ -= missing;
        return;
      }
    }
  }

  void withdraw(Job& job) {
    {
      const std::lock_guard lock(mutex_);
      Job** link = &jobs_;
      while (*link != &job) link = &(*link)->following;
      *link = job.following;
      posted_.fetch_sub(1, std::memory_order_relaxed);
    }
    for (int spins = 0; job.helpers.load(std::memory_order_acquire) != 0; ++spins) rest(spins);
  }

  // A call that has tasks left; the helper counts as one of its own then.
  Job* join() {
    if (posted_.load(std::memory_order_relaxed) == 0) return nullptr;
    const std::lock_guard lock(mutex_);
    Job* job = jobs_;
    while (job != nullptr && !job->open()) job = job->following;
    if (job != nullptr) job->helpers.fetch_add(1, std::memory_order_relaxed);
    return job;
  }

  void help() {
    auto idle_since = std::chrono::steady_clock::now();
    for (int spins = 1;; ++spins) {
      if (Job* job = join()) {
        job->work();
        job->helpers.fetch_sub(1, std::memory_order_release);
        idle_since = std::chrono::steady_clock::now();
        spins = 0;
        continue;
      }
      rest(spins);
      if (spins % kSpins == 0 && std::chrono::steady_clock::now() - idle_since > kLinger && leave()) return;
    }
  }

  // Fails where a call was posted that counts on this helper.
  bool leave() {
    const std::lock_guard lock(mutex_);
    for (const Job* job = jobs_; job != nullptr; job = job->following) {
      if (job->open()) return false;
    }
    --helpers_;
    return true;
  }

  static void rest(int spins) {
    if (spins % kSpins == 0) std::this_thread::yield();
    _mm_pause();
  }

  std::mutex mutex_;
  Job* jobs_ = nullptr;
  std::atomic<int> posted_{0};
  int helpers_ = 0;  // begun or on their way
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
  Job job{body, tasks};
  shared_->arena.execute([&] { tasks == 1 ? job.work() : shared_->run(job); });
}

int peak_bodies() { return peak.load(std::memory_order_relaxed); }
void reset_peak_bodies() { peak.store(0, std::memory_order_relaxed); }

}  // namespace wl::cpu
