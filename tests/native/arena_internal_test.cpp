// The task arena that all callers share, and the scratch memory of calls.
#include <gtest/gtest.h>
#include <warpline/core.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "cpu/arena.h"
#include "cpu/scratch.h"
#include "support/tensors.h"

namespace wl::test {
namespace {

// Some work that the compiler cannot drop.
uint64_t churn(uint64_t seed, int rounds) {
  Random random(seed);
  uint64_t sum = 0;
  for (int i = 0; i < rounds; ++i) sum += random.next();
  return sum;
}

// Calls `call` from many threads at once, several times each.
template <class F>
void from_many_threads(int callers, int times, const F& call) {
  std::atomic<bool> start{false};
  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&, caller] {
      while (!start) std::this_thread::yield();
      for (int i = 0; i < times; ++i) call(caller, i);
    });
  }
  start = true;
  for (std::thread& thread : threads) thread.join();
}

// Every task runs exactly once, on a slot of its own.
void expect_right_run(uint64_t seed, std::atomic<int>& wrong) {
  const cpu::Arena arena;
  constexpr int kTasks = 20;
  std::vector<uint64_t> results(kTasks);
  std::vector<std::atomic<int>> busy(static_cast<size_t>(arena.size()));
  auto body = [&](int64_t task, int slot) {
    if (slot < 0 || slot >= arena.size() || busy[static_cast<size_t>(slot)].fetch_add(1) != 0) {
      ++wrong;
      return;
    }
    results[static_cast<size_t>(task)] += churn(seed + static_cast<uint64_t>(task), 2000);
    busy[static_cast<size_t>(slot)].fetch_sub(1);
  };
  arena.run(kTasks, body);
  for (uint64_t task = 0; task < kTasks; ++task) {
    if (results[task] != churn(seed + task, 2000)) ++wrong;
  }
}

TEST(Arena, ManyCallersNeverRunMoreBodiesThanItsSize) {
  for (const int size : {1, 2, 3}) {
    const OptionScope threads("threads", std::to_string(size));
    ASSERT_EQ(cpu::Arena().size(), size);
    cpu::reset_peak_bodies();
    std::atomic<int> wrong{0}, finished{0};
    from_many_threads(64, 5, [&](int caller, int i) {
      expect_right_run(static_cast<uint64_t>(caller * 100 + i), wrong);
      ++finished;
    });
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(finished, 64 * 5);
    EXPECT_LE(cpu::peak_bodies(), size);
    EXPECT_GE(cpu::peak_bodies(), 1);
  }
}

TEST(Arena, WorkersJoinWhereThereIsWork) {
  for (const int size : {2, 3, 7}) {
    const OptionScope threads("threads", std::to_string(size));
    cpu::reset_peak_bodies();
    // Each body waits, within limits, until all are there: only that many workers at once can end it early.
    std::atomic<int> present{0};
    auto body = [&](int64_t, int) {
      ++present;
      for (int i = 0; i < 5000 && present < size; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    cpu::Arena().run(size, body);
    EXPECT_EQ(cpu::peak_bodies(), size);
  }
}

TEST(Arena, NoTasksAndOneTask) {
  const cpu::Arena arena;
  int runs = 0;
  auto body = [&](int64_t task, int slot) {
    EXPECT_EQ(task, 0);
    EXPECT_GE(slot, 0);
    ++runs;
  };
  arena.run(0, body);
  arena.run(-1, body);
  EXPECT_EQ(runs, 0);
  arena.run(1, body);
  EXPECT_EQ(runs, 1);
}

TEST(Arena, TheThreadCountMayChangeWhileCallsRun) {
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::thread changer([&] {
    for (int i = 0; !stop; ++i) {
      if (wl_set_option("threads", std::to_string(1 + i % 5).c_str()) != WL_STATUS_OK) ++wrong;
      std::this_thread::yield();
    }
  });
  from_many_threads(
      8, 40, [&](int caller, int i) { expect_right_run(static_cast<uint64_t>(caller * 1000 + i), wrong); });
  stop = true;
  changer.join();
  wl_set_option("threads", "auto");
  EXPECT_EQ(wrong, 0);
}

TEST(Scratch, IsAlignedKeptAndGivenBack) {
  ASSERT_EQ(wl_trim(), WL_STATUS_OK);
  const uint64_t before = wl_scratch_bytes();
  void* first = nullptr;
  {
    const cpu::Scratch scratch(1000);
    first = scratch.at<void>(0);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 256, 0u);
    EXPECT_EQ(scratch.at<char>(300) - static_cast<char*>(first), 300);
    std::memset(first, 1, 1000);
    EXPECT_GE(wl_scratch_bytes(), before + 1000);
  }
  const uint64_t held = wl_scratch_bytes();
  {
    const cpu::Scratch again(900);  // what is there serves smaller calls
    EXPECT_EQ(again.at<void>(0), first);
    EXPECT_EQ(wl_scratch_bytes(), held);
  }
  EXPECT_EQ(wl_trim(), WL_STATUS_OK);
  EXPECT_EQ(wl_scratch_bytes(), before);
}

TEST(Scratch, AGrowingCallReplacesItsBlock) {
  wl_trim();
  for (const uint64_t bytes : {10000u, 20000u, 40000u}) {
    const cpu::Scratch scratch(bytes);
    std::memset(scratch.at<void>(0), 2, bytes);
  }
  EXPECT_LT(wl_scratch_bytes(), 60000u) << "the smaller blocks were given back";
  EXPECT_GE(wl_scratch_bytes(), 40000u);
}

TEST(Scratch, TrimLeavesWhatACallUses) {
  wl_trim();
  const uint64_t before = wl_scratch_bytes();
  {
    const cpu::Scratch scratch(5000);
    wl_trim();
    EXPECT_GE(wl_scratch_bytes(), before + 5000);
    std::memset(scratch.at<void>(0), 3, 5000);
  }
  wl_trim();
  EXPECT_EQ(wl_scratch_bytes(), before);
}

TEST(Scratch, NothingAndTooMuch) {
  const uint64_t before = wl_scratch_bytes();
  const cpu::Scratch nothing(0);
  EXPECT_EQ(wl_scratch_bytes(), before);
  EXPECT_THROW(cpu::Scratch(UINT64_MAX), std::bad_alloc);
  EXPECT_ANY_THROW(cpu::Scratch(uint64_t{1} << 62));
  EXPECT_EQ(wl_scratch_bytes(), before);
}

TEST(Scratch, ConcurrentCallsHaveTheirOwn) {
  wl_trim();
  std::atomic<int> wrong{0};
  from_many_threads(16, 200, [&](int caller, int i) {
    const uint64_t bytes = 1000 + static_cast<uint64_t>(i % 7) * 3000;
    const cpu::Scratch scratch(bytes);
    auto* memory = scratch.at<unsigned char>(0);
    std::memset(memory, caller, bytes);
    std::this_thread::yield();
    for (uint64_t at = 0; at < bytes; at += 97) {
      if (memory[at] != caller) ++wrong;
    }
    if (i % 50 == 0) wl_trim();
  });
  EXPECT_EQ(wrong, 0);
  // At most one block a caller stays, each at most an eighth larger than the largest call.
  EXPECT_LE(wl_scratch_bytes(), 16u * (19000 * 9 / 8 + 256));
  wl_trim();
  EXPECT_EQ(wl_scratch_bytes(), 0u);
}

}  // namespace
}  // namespace wl::test
