// Runs grids on the emulator's own threads: each worker takes gangs of blocks until none is left.
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>
#include <utility>

#include "emulator/report.h"
#include "emulator/scheduler.h"
#include "emulator/shadow_global.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

// Shared memory of one block; its end lies at a guard page, as near as 16-byte alignment allows.
class SharedMemory {
 public:
  SharedMemory() = default;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { release(); }
  std::byte* get(size_t bytes) {
    constexpr size_t kPage = 4096;
    const size_t pages = std::max<size_t>((bytes + kPage - 1) / kPage, 1) * kPage;
    if (pages > capacity_) {
      release();
      void* memory = mmap(nullptr, pages + kPage, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory == MAP_FAILED) throw std::bad_alloc();
      memory_ = static_cast<std::byte*>(memory);
      capacity_ = pages;
      if (mprotect(memory_ + pages, kPage, PROT_NONE) != 0) throw std::bad_alloc();
    }
    return memory_ + capacity_ - (bytes + 15) / 16 * 16;
  }

 private:
  void release() {
    if (memory_) munmap(memory_, capacity_ + 4096);
    memory_ = nullptr;
    capacity_ = 0;
  }
  std::byte* memory_ = nullptr;
  size_t capacity_ = 0;
};

// What a grid hands to the workers.
struct Job {
  Grid grid;
  uint32_t gang_blocks = 1, gangs = 0;
  uint64_t seed = 0;
  std::vector<uint32_t> block_order;  // empty: ascending
  std::atomic<uint32_t> next_gang{0}, ended_gangs{0};
  std::atomic<bool> failed{false};
};

class Worker {
 public:
  void run(Job& job) {
    gang_.worker = Fiber::of_thread();
    for (;;) {
      const uint32_t index = job.next_gang.fetch_add(1, std::memory_order_relaxed);
      if (index >= job.gangs || job.failed.load(std::memory_order_relaxed)) break;
      run_one(job, index);
      job.ended_gangs.fetch_add(1);
    }
    constexpr size_t kKeptBlocks = 8, kKeptStacks = 4096;
    if (residents_.size() > kKeptBlocks) residents_.resize(kKeptBlocks);
    stacks_.trim(kKeptStacks);
  }

 private:
  struct Resident {
    Block block;
    SharedMemory shared;
  };

  void run_one(Job& job, uint32_t index) {
    const Dim3& size = job.grid.shape.grid;
    const uint32_t blocks = size.x * size.y * size.z, first = index * job.gang_blocks;
    gang_.grid = &job.grid;
    gang_.random = Random(mix(job.seed) ^ mix(index));
    gang_.random_schedule = settings().schedule == Schedule::kRandom;
    gang_.failed = false;
    gang_.idle_polls = 0;
    gang_.alone = false;
    gang_.switches = gang_.mma = 0;
    gang_.sites.clear();
    gang_.traffic.clear();
    gang_.blocks.clear();
    size_t stack = 0;
    for (uint32_t i = first; i < std::min(first + job.gang_blocks, blocks); ++i) {
      const size_t resident = i - first;
      while (residents_.size() <= resident) residents_.push_back(std::make_unique<Resident>());
      prepare(*residents_[resident], job.grid.shape, job.block_order.empty() ? i : job.block_order[i], stack);
      gang_.blocks.push_back(&residents_[resident]->block);
    }
    stacks_.forget_frames();
    run_gang(gang_);
    add_counts(gang_);
    if (gang_.failed) job.failed = true;
  }

  void prepare(Resident& resident, const GridShape& shape, uint32_t number, size_t& stack) {
    Block& block = resident.block;
    block.gang = &gang_;
    block.number = number;
    block.ctaid = {number % shape.grid.x, number / shape.grid.x % shape.grid.y,
                   number / shape.grid.x / shape.grid.y};
    block.shared = resident.shared.get(shape.shared_bytes);
    block.shared_bytes = shape.shared_bytes;
    block.thread_count = block.live = shape.threads;
    // NaN in each floating-point type, so that a read of what nobody wrote shows.
    constexpr int kPoison = 0xff;
    std::memset(block.shared, kPoison, shape.shared_bytes);
    block.threads.resize(shape.threads);
    block.warps.resize((shape.threads + 31) / 32);
    for (Barrier& barrier : block.barriers) {
      barrier.threads = barrier.arrived = 0;
      barrier.waiting.clear();
      barrier.clock.clear();
      barrier.causality = {};
    }
    if constexpr (kChecked) {
      if (!block.checks) block.checks = std::make_unique<BlockChecks>();
      block.checks->clocks.reset(shape.threads);
      block.checks->shared.reset(shape.shared_bytes);
      block.checks->traffic.reset(static_cast<uint32_t>(block.warps.size()));
    }
    for (Warp& warp : block.warps) {
      warp.alive = warp.open = 0;
      warp.products = {};
    }
    block.group_orders.assign((block.warps.size() + 3) / 4, {});
    block.async = {};
    for (uint32_t i = 0; i < shape.threads; ++i) {
      Thread& thread = block.threads[i];
      thread.tid = {i, 0, 0};
      thread.ctaid = block.ctaid;
      thread.ntid = {shape.threads, 1, 1};
      thread.nctaid = shape.grid;
      thread.lane = i % 32;
      thread.shared = block.shared;
      thread.stack_top = stacks_.top(stack++);
      thread.block = &block;
      thread.index = i;
      thread.warp = i / 32;
      thread.state = ThreadState::kReady;
      thread.wait = {};
      thread.copies.clear();
      thread.groups.clear();
      for (Thread::Poll& poll : thread.polls) poll = {nullptr, 0};
      block.warps[thread.warp].alive |= 1u << thread.lane;
    }
  }

  StackPool stacks_;
  std::vector<std::unique_ptr<Resident>> residents_;
  Gang gang_;
};

// Threads that live until the process ends; one grid at a time.
class WorkerPool {
 public:
  static WorkerPool& instance() {
    static WorkerPool pool;
    return pool;
  }
  ~WorkerPool() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  void run(Job& job, uint32_t workers) {
    const std::lock_guard one_grid(grid_mutex_);
    std::unique_lock lock(mutex_);
    while (threads_.size() < workers) {
      const uint32_t index = static_cast<uint32_t>(threads_.size());
      threads_.emplace_back([this, index] { work(index); });
    }
    job_ = &job;
    wanted_ = running_ = workers;
    ++generation_;
    wake_.notify_all();
    done_.wait(lock, [this] { return running_ == 0; });
    job_ = nullptr;
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void work(uint32_t index) {
    Worker worker;
    uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return ending_ || generation_ != seen; });
      if (ending_) return;
      seen = generation_;
      if (index >= wanted_) continue;
      Job& job = *job_;
      lock.unlock();
      std::exception_ptr error;
      try {
        worker.run(job);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (error) error_ = error;
      if (--running_ == 0) done_.notify_one();
    }
  }

  std::mutex grid_mutex_, mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;
  Job* job_ = nullptr;
  uint32_t wanted_ = 0, running_ = 0;
  uint64_t generation_ = 0;
  bool ending_ = false;
  std::exception_ptr error_;
};

void check_shape(const GridShape& shape) {
  constexpr uint32_t kMostThreads = 1024, kMostShared = 227 << 10;
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(std::string("run_grid: ") + what);
  };
  require(shape.threads >= 1 && shape.threads <= kMostThreads, "threads must be 1 to 1024");
  require(shape.shared_bytes <= kMostShared, "shared_bytes must be at most 232448");
  require(shape.grid.x >= 1 && shape.grid.x <= 0x7fffffffu, "grid.x must be 1 to 2^31 - 1");
  require(shape.grid.y >= 1 && shape.grid.y <= 65535, "grid.y must be 1 to 65535");
  require(shape.grid.z >= 1 && shape.grid.z <= 65535, "grid.z must be 1 to 65535");
  require(static_cast<uint64_t>(shape.grid.x) * shape.grid.y <= 0x7fffffffu / shape.grid.z,
          "the grid must have at most 2^31 - 1 blocks");
}

}  // namespace

bool run_grid(const GridShape& shape, const LaunchOrder& order, KernelThunk thunk, const void* call,
              const char* name) {
  check_shape(shape);
  Job job;
  job.grid = {shape, order, thunk, call, name};
  const uint32_t blocks = shape.grid.x * shape.grid.y * shape.grid.z;
  const Settings& how = settings();
  job.seed = mix(how.seed) ^ mix(order.number) ^ mix(order.stream + 0x100);
  if (how.schedule == Schedule::kRandom) {
    // Blocks in any order, up to three of them interleaved.
    Random random(job.seed);
    job.block_order.resize(blocks);
    for (uint32_t i = 0; i < blocks; ++i) job.block_order[i] = i;
    for (uint32_t i = blocks; i > 1; --i) std::swap(job.block_order[i - 1], job.block_order[random.below(i)]);
    job.gang_blocks = static_cast<uint32_t>(1 + random.below(3));
  }
  if (shape.co_resident) job.gang_blocks = blocks;
  job.gangs = (blocks - 1) / job.gang_blocks + 1;
  job.grid.begun = &job.next_gang;
  job.grid.ended = &job.ended_gangs;
  job.grid.gangs = job.gangs;
  if constexpr (kChecked) {
    GlobalShadow& shadow = GlobalShadow::instance();
    const std::lock_guard lock(shadow.mutex);
    shadow.begin_grid(job.grid);
    WorkerPool::instance().run(job, 1);
  } else {
    const uint32_t workers = how.workers > 0 ? static_cast<uint32_t>(how.workers)
                                             : std::max(1u, std::thread::hardware_concurrency());
    WorkerPool::instance().run(job, std::min(workers, job.gangs));
  }
  return !job.failed;
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
