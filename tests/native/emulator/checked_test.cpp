// What the checked build finds in shared and global memory, and that it is silent about what is ordered.
#include <sys/resource.h>

#include "grid.h"

namespace wl::test {
namespace {

using namespace cuda;

struct Params {
  Global<uint32_t> data, flags;
  int variant;
};

struct CheckedTest : EmulatorTest {
  void SetUp() override {
    if (!emu::kChecked) GTEST_SKIP() << "needs the checked build";
  }
  // Runs one grid by itself and gives its findings.
  static std::string run(void (*kernel)(Params), int variant, const emu::GridShape& shape,
                         DeviceArray<uint32_t>& data, DeviceArray<uint32_t>& flags) {
    emu::clear_report();
    for (size_t i = 0; i < flags.size(); ++i) flags[i] = 0;
    launch(kernel, Params{data.global(), flags.global(), variant}, shape, next_order());
    return findings();
  }
  static std::string run(void (*kernel)(Params), int variant, uint32_t blocks = 1, uint32_t threads = 64,
                         bool co_resident = false) {
    DeviceArray<uint32_t> data(4096), flags(64);
    return run(kernel, variant, {{blocks, 1, 1}, threads, 1024, co_resident, false}, data, flags);
  }
};

#define EXPECT_RACE(text) EXPECT_NE(("\n" + (text)).find("\nrace: "), std::string::npos) << (text)
#define EXPECT_FINDING(text, kind) EXPECT_EQ((text).find(kind), 0u) << (text)

// ---- Shared memory

void shared_kernel(Params p) {
  const uint32_t tid = ptx::tid_x();
  switch (p.variant) {
    case 0:  // ordered by a barrier
      ptx::st_shared_b32(tid * 4, tid);
      ptx::bar_sync();
      ptx::ld_shared_b32((tid + 32) % 64 * 4);
      ptx::bar_sync();
      ptx::st_shared_b32(tid * 4, tid);
      break;
    case 1:  // read after write without
      ptx::st_shared_b32(tid * 4, tid);
      ptx::ld_shared_b32((tid + 32) % 64 * 4);
      break;
    case 2:  // write after read without
      ptx::st_shared_b32(tid * 4, tid);
      ptx::bar_sync();
      ptx::ld_shared_b32((tid + 32) % 64 * 4);
      ptx::st_shared_b32(tid * 4, tid);
      break;
    case 3:  // two write the same two bytes
      ptx::st_shared_b16(tid / 2 * 2, 1);
      break;
    case 4:  // neighbours write their own two bytes
      ptx::st_shared_b16(tid * 2, 1);
      break;
    case 5:  // a shuffle orders no memory
      ptx::st_shared_b32(tid * 4, tid);
      ptx::shfl_sync_bfly_b32(tid, 1);
      ptx::ld_shared_b32((tid ^ 1) * 4);
      break;
    case 6:  // syncwarp does
      ptx::st_shared_b32(tid * 4, tid);
      ptx::bar_warp_sync();
      ptx::ld_shared_b32((tid ^ 1) * 4);
      break;
    case 7:  // ... within its warp only
      ptx::st_shared_b32(tid * 4, tid);
      ptx::bar_warp_sync();
      ptx::ld_shared_b32((tid ^ 32) * 4);
      break;
    case 8:  // atomics do not race with each other
      if (tid == 0) ptx::st_shared_b32(0, 0);
      ptx::bar_sync();
      ptx::atom_shared_add_u32(0, 1);
      ptx::bar_sync();
      ptx::ld_shared_b32(0);
      break;
    case 9:  // but with plain accesses
      if (tid == 0) ptx::st_shared_b32(0, 0);
      ptx::atom_shared_add_u32(0, 1);
      break;
    case 10:
      ptx::ld_shared_b32(tid * 4);
      break;
    case 11:
      ptx::st_shared_b32(1024 - 4 * tid, 1);
      break;
    case 12:
      ptx::st_shared_b32(2, 1);
      break;
    case 13:  // many readers, then a write after a barrier; then one without
    case 14:
      if (tid == 0) ptx::st_shared_b32(0, 0);
      ptx::bar_sync();
      ptx::ld_shared_b32(0);
      if (p.variant == 13) ptx::bar_sync();
      if (tid == 5) ptx::st_shared_b32(0, 1);
      break;
    case 15: {  // only the warps of a named barrier are ordered
      const uint32_t warp = tid / 32;
      ptx::st_shared_b32(tid * 4, tid);
      if (warp < 2) ptx::bar_sync_named(1, 64);
      ptx::ld_shared_b32((warp == 0 ? 32 : warp == 1 ? 64 : tid) * 4);
      break;
    }
  }
}

TEST_F(CheckedTest, SharedMemory) {
  for (const int silent : {0, 4, 6, 8, 13}) EXPECT_EQ(run(shared_kernel, silent), "") << silent;
  for (const int race : {1, 2, 3, 5, 7, 9, 14}) EXPECT_RACE(run(shared_kernel, race)) << race;
  EXPECT_FINDING(run(shared_kernel, 10), "uninitialised read: ");
  EXPECT_FINDING(run(shared_kernel, 11), "out of bounds: ");
  EXPECT_FINDING(run(shared_kernel, 12), "misaligned: ");
  const std::string named = run(shared_kernel, 15, 1, 96);
  EXPECT_RACE(named);
  EXPECT_NE(named.find("the write by thread 64 "), std::string::npos) << named;
  EXPECT_EQ(named.find("the write by thread 3"), std::string::npos) << named;
}

constexpr int kWriteLine = __LINE__ + 3;
void two_places_kernel(Params) {
  const uint32_t tid = ptx::tid_x();
  if (tid == 0) ptx::st_shared_b32(0, tid);
  if (tid == 40) ptx::ld_shared_b32(0);
}

TEST_F(CheckedTest, AFindingNamesBothPlaces) {
  const std::string file = "emulator/checked_test.cpp:";
  EXPECT_EQ(
      run(two_places_kernel, 0),
      "race: kernel kernel, " + file + std::to_string(kWriteLine + 1) +
          ", block (0, 0, 0) thread 40: reads shared address 0 with no order to the write by thread 0 at " +
          file + std::to_string(kWriteLine) + "\n");
}

// ---- Global memory

void global_kernel(Params p) {
  const uint32_t tid = ptx::tid_x(), block = ptx::ctaid_x();
  const Global<uint32_t> mine = p.data + (block * 64 + tid);
  switch (p.variant) {
    case 0:
      ptx::st_global_b32(mine, 1);
      ptx::bar_sync();
      ptx::ld_global_b32(p.data + (block * 64 + (tid ^ 33)));
      break;
    case 1:
      ptx::st_global_b32(mine, 1);
      ptx::ld_global_b32(p.data + (block * 64 + (tid ^ 33)));
      break;
    case 2:  // two blocks store one row
      ptx::st_global_b32(p.data + tid, 1);
      break;
    case 3:  // read what another block writes
      if (block == 0) ptx::st_global_b32(mine, 1);
      if (block == 1) ptx::ld_global_b32(p.data + tid);
      break;
    case 4:  // all read, one writes
      ptx::ld_global_b32(p.data);
      if (block == 3 && tid == 0) ptx::st_global_b32(p.data, 1);
      break;
    case 5:  // relaxed atomics do not race
      ptx::atom_relaxed_gpu_global_add_u32(p.data, 1);
      break;
    case 6:
      ptx::atom_relaxed_gpu_global_add_u32(p.data, 1);
      if (block == 1 && tid == 1) ptx::ld_global_b32(p.data);
      break;
    case 7:
      ptx::ld_global_b32(p.data + 4096);
      break;
    case 8:
      ptx::ld_global_v4_b32(p.data + 1);
      break;
  }
}

TEST_F(CheckedTest, GlobalMemoryWithinAGrid) {
  EXPECT_EQ(run(global_kernel, 0, 4), "");
  EXPECT_FINDING(run(global_kernel, 1, 1), "race: ");
  for (const int race : {2, 3, 4, 6}) {
    EXPECT_FINDING(run(global_kernel, race, 4), "race: ") << race;
  }
  EXPECT_EQ(run(global_kernel, 5, 4), "");
  EXPECT_FINDING(run(global_kernel, 7), "out of bounds: ");
  EXPECT_FINDING(run(global_kernel, 8), "misaligned: ");
}

// Blocks add their number to partial[block]; the last one to arrive sums all up (as split-K does).
void last_block_kernel(Params p) {
  const uint32_t tid = ptx::tid_x(), block = ptx::ctaid_x(), blocks = ptx::nctaid_x();
  ptx::st_global_b32(p.data + (block * 64 + tid), block + tid);
  ptx::bar_sync();
  if (tid == 0) {
    uint32_t arrived = 0;
    if (p.variant == 1) ptx::fence_acq_rel_gpu();
    if (p.variant == 0) arrived = ptx::atom_acq_rel_gpu_global_add_u32(p.flags, 1);
    if (p.variant != 0) arrived = ptx::atom_relaxed_gpu_global_add_u32(p.flags, 1);
    if (p.variant == 1) ptx::fence_acq_rel_gpu();
    ptx::st_shared_b32(0, arrived);
  }
  ptx::bar_sync();
  if (ptx::ld_shared_b32(0) != blocks - 1) return;
  uint32_t sum = 0;
  for (uint32_t i = 0; i < blocks; ++i) sum += ptx::ld_global_b32(p.data + (i * 64 + tid));
  ptx::st_global_b32(p.data + (2048 + tid), sum);
}

TEST_F(CheckedTest, TheLastBlockIsOrderedByAcquireAndRelease) {
  EXPECT_EQ(run(last_block_kernel, 0, 20), "");
  EXPECT_EQ(run(last_block_kernel, 1, 20), "");
  EXPECT_FINDING(run(last_block_kernel, 2, 20), "race: ");  // relaxed alone orders nothing
}

TEST_F(CheckedTest, WeakenedOrderIsFound) {
  for (const int variant : {0, 1}) {
    EXPECT_EQ(run(last_block_kernel, variant, 6), "");
    for (const emu::SiteCount& site : emu::report().synchronisation) {
      for (const auto kind : {emu::MutationKind::kSkip, emu::MutationKind::kWeaken}) {
        if (kind == emu::MutationKind::kWeaken && !site.can_weaken) continue;
        emu::Settings settings;
        settings.mutation = kind;
        settings.mutated = site.site;
        emu::configure(settings);
        EXPECT_RACE(run(last_block_kernel, variant, 6))
            << site.operation << " line " << site.site.line << " variant " << variant;
        emu::configure({});
      }
    }
  }
}

// A barrier of the grid, made of a counter and a wait.
void grid_barrier_kernel(Params p) {
  const uint32_t tid = ptx::tid_x(), block = ptx::ctaid_x(), blocks = ptx::nctaid_x();
  for (uint32_t round = 0; round < 3; ++round) {
    ptx::st_global_b32(p.data + (block * 32 + tid), round);
    for (uint32_t step = 0; step < 2; ++step) {
      ptx::bar_sync();
      if (tid == 0) {
        ptx::atom_acq_rel_gpu_global_add_u32(p.flags, 1);
        while (ptx::ld_acquire_gpu_global_b32(p.flags) < (2 * round + step + 1) * blocks) {
        }
      }
      if (p.variant == 0 || step == 1) ptx::bar_sync();
      if (step == 0) ptx::ld_global_b32(p.data + ((block + 1) % blocks * 32 + tid));
    }
  }
}

TEST_F(CheckedTest, AGridBarrierOrdersItsBlocks) {
  EXPECT_EQ(run(grid_barrier_kernel, 0, 9, 32, true), "");
  EXPECT_FINDING(run(grid_barrier_kernel, 1, 9, 32, true), "race: ");
}

// ---- Launches

void write_kernel(Params p) {
  if (p.variant == 1) ptx::griddepcontrol_wait();
  ptx::st_global_b32(p.data + ptx::tid_x(), 1);
}

TEST_F(CheckedTest, LaunchesAreOrderedByStreamsAndEvents) {
  struct Case {
    emu::LaunchOrder first, second;
    bool dependent;
    int variant;
    bool race;
  };
  const Case cases[] = {{{1, 1, {}}, {1, 2, {0, 1}}, false, 0, false},  // one stream
                        {{1, 1, {}}, {2, 1, {0, 0}}, false, 0, true},   // two streams
                        {{1, 1, {}}, {2, 1, {0, 1}}, false, 0, false},  // ... the second waits for an event
                        {{1, 1, {}}, {1, 2, {0, 1}}, true, 0, true},  // programmatic launch without its wait
                        {{1, 1, {}}, {1, 2, {0, 1}}, true, 1, false}};
  for (const Case& one : cases) {
    emu::clear_report();
    DeviceArray<uint32_t> data(64);
    const Params params{data.global(), {nullptr}, one.variant};
    EXPECT_TRUE(launch(write_kernel, params, {{1, 1, 1}, 64, 0, false, false}, one.first, "first"));
    EXPECT_EQ(findings(), "");
    EXPECT_TRUE(launch(write_kernel, params, {{1, 1, 1}, 64, 0, false, one.dependent}, one.second, "second"));
    if (one.race) {
      EXPECT_FINDING(findings(), "race: kernel second, ");
      EXPECT_NE(findings().find("the write by first (stream 1 launch 1)"), std::string::npos) << findings();
    } else {
      EXPECT_EQ(findings(), "");
    }
  }
}

TEST_F(CheckedTest, CopiesByTheHostTakePart) {
  DeviceArray<uint32_t> data(64);
  const Params params{data.global(), {nullptr}, 0};
  EXPECT_TRUE(launch(write_kernel, params, {{1, 1, 1}, 64, 0, false, false}, {1, 1, {}}));
  emu::memory_accessed(data.data(), 256, false, {2, 1, {0, 1}}, "copy");
  EXPECT_EQ(findings(), "");
  emu::memory_accessed(data.data(), 256, false, {3, 1, {}}, "copy");
  EXPECT_FINDING(findings(), "race: copy: reads byte 0 of the 256 bytes");
  emu::clear_report();
  emu::memory_accessed(data.data(), 260, false, {1, 2, {}}, "copy");
  EXPECT_FINDING(findings(), "out of bounds: copy of 260 bytes");
}

void read_kernel(Params p) { ptx::ld_global_b32(p.data + ptx::tid_x()); }

TEST_F(CheckedTest, LifetimeAndInitialisation) {
  std::vector<uint32_t> memory(64);
  emu::memory_allocated(memory.data(), 256);
  const Params params{{memory.data()}, {nullptr}, 0};
  const emu::GridShape shape{{1, 1, 1}, 64, 0, false, false};
  EXPECT_TRUE(launch(read_kernel, params, shape, next_order()));
  EXPECT_FINDING(findings(), "uninitialised read: ");
  emu::memory_freed(memory.data());
  emu::clear_report();
  EXPECT_FALSE(launch(read_kernel, params, shape, next_order()));
  EXPECT_FINDING(findings(), "use after free: ");
  emu::clear_report();
  emu::memory_freed(memory.data());
  EXPECT_FINDING(findings(), "bad free: ");
}

// ---- Size

// 32 KiB of shared memory a block, all touched, and a barrier of all blocks.
void large_kernel(Params p) {
  const uint32_t tid = ptx::tid_x();
  for (uint32_t i = 0; i < 16; ++i) ptx::st_shared_v4_b32((i * 128 + tid) * 16, U4{tid, 0, 0, 0});
  ptx::bar_sync();
  if (tid == 0) {
    ptx::atom_acq_rel_gpu_global_add_u32(p.flags, 1);
    while (ptx::ld_acquire_gpu_global_b32(p.flags) < ptx::nctaid_x()) {
    }
  }
  ptx::bar_sync();
  ptx::ld_shared_v4_b32((127 - tid) * 16);
}

TEST_F(CheckedTest, ThousandResidentBlocksFitIntoTwoGigabytes) {
  DeviceArray<uint32_t> data(64), flags(64);
  EXPECT_EQ(run(large_kernel, 0, {{1024, 1, 1}, 128, 32 << 10, true, false}, data, flags), "");
  rusage usage;
  ASSERT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  EXPECT_LT(usage.ru_maxrss, 2 << 20) << "KiB";
  std::printf("peak %ld MiB\n", usage.ru_maxrss >> 10);
}

}  // namespace
}  // namespace wl::test
