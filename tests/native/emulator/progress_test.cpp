// Blocks that wait for each other, and threads that wait for what never comes or part from their warp.
#include "grid.h"

namespace wl::test {
namespace {

using namespace cuda;

struct Output {
  Global<uint32_t> words;
};

struct ProgressTest : EmulatorTest {};

uint32_t atomic(emu::AtomicOp op, Global<uint32_t> a, uint32_t x, uint32_t compare = 0) {
  return emu::atomic_global(op, a.address, x, compare, emu::Order::kRelaxed, emu::Scope::kDevice,
                            Site::here());
}

// Words 0 to 3 by atomics of all threads; word 5 counts under the lock in word 4.
void atomics_kernel(Output p) {
  const uint32_t tid = ptx::ctaid_x() * 64 + ptx::tid_x();
  atomic(emu::AtomicOp::kAddU32, p.words, tid);
  atomic(emu::AtomicOp::kAddF32, p.words + 1, ptx::mov_b32_f32(0.5f));
  atomic(emu::AtomicOp::kMaxU32, p.words + 2, tid * 7 % 64);
  atomic(emu::AtomicOp::kExchangeU32, p.words + 3, 1000 + tid);
  if (ptx::tid_x() % 32 != 0) return;
  while (emu::atomic_global(emu::AtomicOp::kCompareExchangeU32, p.words.address + 4, 1, 0,
                            emu::Order::kAcquire, emu::Scope::kDevice, Site::here()) != 0) {
  }
  ptx::st_global_b32(p.words + 5, ptx::ld_global_b32(p.words + 5) + 1);
  ptx::st_release_gpu_global_b32(p.words + 4, 0);
}

TEST_F(ProgressTest, AtomicsAndALock) {
  under_schedules([] {
    DeviceArray<uint32_t> words(6);
    ASSERT_TRUE(launch(atomics_kernel, {words.global()}, emu::GridShape{{3, 1, 1}, 64, 0, true, false},
                       next_order()));
    EXPECT_EQ(words[0], 191u * 192 / 2);
    EXPECT_EQ(ptx::mov_f32_b32(words[1]), 96.0f);
    EXPECT_EQ(words[2], 63u);
    EXPECT_GE(words[3], 1000u);
    EXPECT_LT(words[3], 1192u);
    EXPECT_EQ(words[4], 0u);
    EXPECT_EQ(words[5], 6u);
  });
}

// Blocks hand a token on, each waits for the one before: needs all of them resident.
void token_kernel(Output p) {
  const uint32_t block = ptx::ctaid_x();
  if (ptx::tid_x() == 0) {
    while (ptx::ld_acquire_gpu_global_b32(p.words) != block) {
    }
    ptx::st_release_gpu_global_b32(p.words, block + 1);
  }
  ptx::bar_sync();
}

TEST_F(ProgressTest, CoResidentBlocksMakeProgress) {
  under_schedules([] {
    DeviceArray<uint32_t> words(1);
    ASSERT_TRUE(
        launch(token_kernel, {words.global()}, emu::GridShape{{20, 1, 1}, 64, 0, true, false}, next_order()));
    EXPECT_EQ(words[0], 20u);
  });
}

TEST_F(ProgressTest, PollingForWhatNeverComesIsADeadlock) {
  DeviceArray<uint32_t> words(1, 77);
  EXPECT_FALSE(
      launch(token_kernel, {words.global()}, emu::GridShape{{20, 1, 1}, 64, 0, true, false}, next_order()));
  EXPECT_NE(findings().find("deadlock"), std::string::npos);
  EXPECT_NE(findings().find("threads 0 wait in ld.acquire at emulator/progress_test.cpp:"), std::string::npos)
      << findings();
}

void lost_barrier_kernel(Output) {
  if (ptx::tid_x() < 32) ptx::bar_sync_named(3, 64);
}

TEST_F(ProgressTest, DeadlockNamesWhoWaitsForWhat) {
  EXPECT_FALSE(launch(lost_barrier_kernel, {{nullptr}}, 1, 64));
  EXPECT_NE(findings().find("block (0, 0, 0) threads 0-31 wait in bar.sync 3 (32 of 64 threads there) at "
                            "emulator/progress_test.cpp:"),
            std::string::npos)
      << findings();
  EXPECT_NE(findings().find("threads 32-63 have exited"), std::string::npos) << findings();
}

void divergent_shuffle_kernel(Output p) {
  uint32_t x;
  if (ptx::laneid() < 16) {
    x = ptx::shfl_sync_bfly_b32(1, 1);
  } else {
    x = ptx::vote_sync_ballot_b32(true);
  }
  ptx::st_global_b32(p.words, x);
}
void divergent_barrier_kernel(Output) {
  if (ptx::laneid() < 16) {
    ptx::bar_sync();
  } else {
    ptx::bar_sync();
  }
}
void half_warp_mma_kernel(Output) {
  if (ptx::laneid() < 16) return;
  float c[4] = {};
  const uint32_t a[4] = {};
  ptx::mma_m16n8k16_f32_bf16(c, a, 0, 0);
}

TEST_F(ProgressTest, DivergenceIsFound) {
  DeviceArray<uint32_t> words(1);
  for (const auto kernel : {divergent_shuffle_kernel, divergent_barrier_kernel, half_warp_mma_kernel}) {
    emu::clear_report();
    EXPECT_FALSE(launch(kernel, {words.global()}, 1, 32));
    EXPECT_EQ(findings().find("divergence: kernel kernel, emulator/progress_test.cpp:"), 0u) << findings();
  }
}

}  // namespace
}  // namespace wl::test
