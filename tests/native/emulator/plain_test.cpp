// Collectives, barriers, matrices and asynchronous copies, against expectations written from the PTX manual.
#include "grid.h"

namespace wl::test {
namespace {

using namespace cuda;

struct Output {
  Global<uint32_t> words;
};

struct PlainTest : EmulatorTest {};

void shuffle_kernel(Output p) {
  const uint32_t lane = ptx::laneid(), tid = ptx::tid_x();
  ptx::st_global_b32(p.words + (tid * 4), ptx::shfl_sync_idx_b32(tid, 5));
  ptx::st_global_b32(p.words + (tid * 4 + 1), ptx::shfl_sync_bfly_b32(tid, 3));
  ptx::st_global_b32(p.words + (tid * 4 + 2), ptx::shfl_sync_up_b32(tid, 2));
  ptx::st_global_b32(p.words + (tid * 4 + 3), ptx::vote_sync_ballot_b32(lane % 3 == 0));
}

TEST_F(PlainTest, ShufflesAndVotes) {
  under_schedules([] {
    DeviceArray<uint32_t> words(64 * 4);
    ASSERT_TRUE(launch(shuffle_kernel, {words.global()}, 1, 64));
    for (uint32_t tid = 0; tid < 64; ++tid) {
      const uint32_t lane = tid % 32;
      EXPECT_EQ(words[tid * 4], tid - lane + 5);
      EXPECT_EQ(words[tid * 4 + 1], tid ^ 3);
      EXPECT_EQ(words[tid * 4 + 2], lane < 2 ? tid : tid - 2);
      EXPECT_EQ(words[tid * 4 + 3], 0x49249249u);  // bits 0, 3, ..., 30
    }
  });
}

// Modes and masks that the wrappers of cuda/ptx do not use yet: segments of eight lanes, odd lanes only.
void masked_kernel(Output p) {
  const uint32_t lane = ptx::laneid();
  constexpr uint32_t kSegmentsOfEight = 24 << 8 | 31;
  ptx::st_global_b32(p.words + (lane * 4), emu::shfl_sync(emu::Shuffle::kDown, ptx::kAllLanes, lane, 3,
                                                          kSegmentsOfEight, Site::here()));
  ptx::st_global_b32(p.words + (lane * 4 + 1),
                     emu::vote_sync(emu::Vote::kAll, ptx::kAllLanes, lane < 32, Site::here()));
  uint32_t sum = 0, any = 0;
  if (lane % 2 == 1) {
    sum = emu::shfl_sync(emu::Shuffle::kIndex, 0xaaaaaaaa, lane, 7, 31, Site::here());
    any = emu::vote_sync(emu::Vote::kAny, 0xaaaaaaaa, lane == 0, Site::here());
  }
  ptx::st_global_b32(p.words + (lane * 4 + 2), sum);
  ptx::st_global_b32(p.words + (lane * 4 + 3), any);
}

TEST_F(PlainTest, MasksAndSegments) {
  under_schedules([] {
    DeviceArray<uint32_t> words(32 * 4);
    ASSERT_TRUE(launch(masked_kernel, {words.global()}, 1, 32));
    for (uint32_t lane = 0; lane < 32; ++lane) {
      EXPECT_EQ(words[lane * 4], lane % 8 < 5 ? lane + 3 : lane);
      EXPECT_EQ(words[lane * 4 + 1], 1u);
      EXPECT_EQ(words[lane * 4 + 2], lane % 2 ? 7u : 0u);
      EXPECT_EQ(words[lane * 4 + 3], 0u);
    }
  });
}

// Each thread writes its number, and reads its neighbour's after a barrier.
void neighbour_kernel(Output p) {
  const uint32_t tid = ptx::tid_x();
  for (uint32_t round = 0; round < 3; ++round) {
    ptx::st_shared_b32(tid * 4, tid + round);
    ptx::bar_sync();
    const uint32_t x = ptx::ld_shared_b32((tid + 1) % 96 * 4);
    ptx::bar_sync();
    ptx::st_global_b32(p.words + (ptx::ctaid_x() * 96 + tid), x);
  }
}

TEST_F(PlainTest, BarriersOfABlock) {
  under_schedules([] {
    DeviceArray<uint32_t> words(7 * 96);
    ASSERT_TRUE(launch(neighbour_kernel, {words.global()}, 7, 96, 96 * 4));
    for (uint32_t i = 0; i < words.size(); ++i) EXPECT_EQ(words[i], (i % 96 + 1) % 96 + 2);
  });
}

// Warp 0 makes, warp 1 uses: full is barrier 1, empty barrier 2; warp 2 exits at once.
void producer_kernel(Output p) {
  const uint32_t warp = ptx::tid_x() / 32, lane = ptx::laneid();
  if (warp == 2) return;
  uint32_t sum = 0;
  for (uint32_t i = 0; i < 5; ++i) {
    if (warp == 0) {
      if (i > 0) ptx::bar_sync_named(2, 64);
      ptx::st_shared_b32(lane * 4, i * 100 + lane);
      ptx::bar_arrive_named(1, 64);
    } else {
      ptx::bar_sync_named(1, 64);
      sum += ptx::ld_shared_b32(lane * 4);
      if (i < 4) ptx::bar_arrive_named(2, 64);
    }
  }
  ptx::bar_sync();  // of those that are left
  if (warp == 1) ptx::st_global_b32(p.words + lane, sum);
}

TEST_F(PlainTest, NamedBarriersAndExitedThreads) {
  under_schedules([] {
    DeviceArray<uint32_t> words(32);
    ASSERT_TRUE(launch(producer_kernel, {words.global()}, 1, 96, 128));
    for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(words[lane], 1000 + 5 * lane);
  });
}

// The 32 rows of four matrices lie at 16-byte steps; element j of row i is 8 i + j.
void ldmatrix_kernel(Output p) {
  const uint32_t lane = ptx::laneid();
  for (uint32_t j = 0; j < 8; ++j) ptx::st_shared_b16(lane * 16 + j * 2, static_cast<uint16_t>(lane * 8 + j));
  ptx::bar_warp_sync();
  uint32_t plain[4], transposed[4];
  ptx::ldmatrix_x4(plain, lane * 16);
  ptx::ldmatrix_x4_trans(transposed, lane * 16);
  for (uint32_t m = 0; m < 4; ++m) {
    ptx::st_global_b32(p.words + (lane * 8 + m), plain[m]);
    ptx::st_global_b32(p.words + (lane * 8 + 4 + m), transposed[m]);
  }
}

TEST_F(PlainTest, Ldmatrix) {
  under_schedules([] {
    DeviceArray<uint32_t> words(32 * 8);
    ASSERT_TRUE(launch(ldmatrix_kernel, {words.global()}, 1, 32, 512));
    for (uint32_t lane = 0; lane < 32; ++lane) {
      for (uint32_t m = 0; m < 4; ++m) {
        const uint32_t row = lane / 4, column = lane % 4 * 2, first = m * 64;
        EXPECT_EQ(words[lane * 8 + m], (first + row * 8 + column) | (first + row * 8 + column + 1) << 16);
        EXPECT_EQ(words[lane * 8 + 4 + m], (first + column * 8 + row) | (first + (column + 1) * 8 + row)
                                                                            << 16);
      }
    }
  });
}

// Stores by stmatrix what ldmatrix read, transposed: the whole is the identity or a transposition.
void stmatrix_kernel(Output p) {
  const uint32_t lane = ptx::laneid();
  for (uint32_t j = 0; j < 4; ++j) {
    ptx::st_shared_b32(lane * 16 + j * 4, (lane * 8 + 2 * j) | (lane * 8 + 2 * j + 1) << 16);
  }
  ptx::bar_warp_sync();
  uint32_t x[4];
  emu::ldmatrix(x, lane * 16, 4, false, Site::here());
  emu::stmatrix(512 + lane * 16, x, 4, false, Site::here());
  emu::stmatrix(1024 + lane % 16 * 16, x, 2, true, Site::here());
  ptx::bar_warp_sync();
  for (uint32_t j = 0; j < 4; ++j) {
    ptx::st_global_b32(p.words + (lane * 4 + j), ptx::ld_shared_b32(512 + lane * 16 + j * 4));
    if (lane < 16)
      ptx::st_global_b32(p.words + (128 + lane * 4 + j), ptx::ld_shared_b32(1024 + lane * 16 + j * 4));
  }
}

TEST_F(PlainTest, Stmatrix) {
  under_schedules([] {
    DeviceArray<uint32_t> words(32 * 4 + 16 * 4);
    ASSERT_TRUE(launch(stmatrix_kernel, {words.global()}, 1, 32, 1280));
    for (uint32_t i = 0; i < 128; ++i) EXPECT_EQ(words[i], (2 * i) | (2 * i + 1) << 16);
    for (uint32_t i = 0; i < 64; ++i) {
      const uint32_t first = i / 32 * 64, row = i % 32 / 4, column = i % 4 * 2;
      EXPECT_EQ(words[128 + i], (first + column * 8 + row) | (first + (column + 1) * 8 + row) << 16);
    }
  });
}

// Small integers, exact in each type: A[m][k] = m - 2 k + 3, B[k][n] = 3 k - n, C = m + n.
int element_a(int m, int k) { return m - 2 * k + 3; }
int element_b(int k, int n) { return 3 * k - n; }

struct MmaParams {
  Global<uint32_t> words;
  int type;  // 0 bf16, 1 f16, 2 tf32, 3 s8
};

void mma_kernel(MmaParams p) {
  const int lane = static_cast<int>(ptx::laneid()), g = lane / 4, t = lane % 4;
  const auto pair = [&](int low, int high) {
    const float x = static_cast<float>(low), y = static_cast<float>(high);
    return p.type == 0 ? ptx::cvt_rn_bf16x2_f32(x, y) : ptx::cvt_rn_f16x2_f32(x, y);
  };
  uint32_t a[4], b[2];
  for (int i = 0; i < 4; ++i) {
    const int m = g + i % 2 * 8;
    if (p.type < 2) {
      const int k = 2 * t + i / 2 * 8;
      a[i] = pair(element_a(m, k), element_a(m, k + 1));
      if (i < 2) b[i] = pair(element_b(2 * t + i * 8, g), element_b(2 * t + i * 8 + 1, g));
    } else if (p.type == 2) {
      a[i] = ptx::mov_b32_f32(static_cast<float>(element_a(m, t + i / 2 * 4)));
      if (i < 2) b[i] = ptx::mov_b32_f32(static_cast<float>(element_b(t + i * 4, g)));
    } else {
      a[i] = 0;
      for (int e = 0; e < 4; ++e) {
        a[i] |= static_cast<uint32_t>(element_a(m, 4 * t + i / 2 * 16 + e) & 0xff) << (8 * e);
      }
      if (i < 2) {
        b[i] = 0;
        for (int e = 0; e < 4; ++e) {
          b[i] |= static_cast<uint32_t>(element_b(4 * t + i * 16 + e, g) & 0xff) << (8 * e);
        }
      }
    }
  }
  float c[4];
  int32_t whole[4];
  for (int i = 0; i < 4; ++i) {
    whole[i] = g + i / 2 * 8 + 2 * t + i % 2;
    c[i] = static_cast<float>(whole[i]);
  }
  if (p.type == 0) ptx::mma_m16n8k16_f32_bf16(c, a, b[0], b[1]);
  if (p.type == 1) ptx::mma_m16n8k16_f32_f16(c, a, b[0], b[1]);
  if (p.type == 2) ptx::mma_m16n8k8_f32_tf32(c, a, b[0], b[1]);
  if (p.type == 3) emu::mma_s8(whole, a, b, whole, Site::here());
  for (int i = 0; i < 4; ++i) {
    const int m = g + i / 2 * 8, n = 2 * t + i % 2;
    ptx::st_global_b32(p.words + (m * 8 + n),
                       static_cast<uint32_t>(p.type == 3 ? whole[i] : static_cast<int32_t>(c[i])));
  }
}

TEST_F(PlainTest, Mma) {
  constexpr int kDepth[] = {16, 16, 8, 32};
  under_schedules([&] {
    for (int type = 0; type < 4; ++type) {
      DeviceArray<uint32_t> words(16 * 8);
      ASSERT_TRUE(launch(mma_kernel, {words.global(), type}, 1, 32));
      for (int m = 0; m < 16; ++m) {
        for (int n = 0; n < 8; ++n) {
          int expected = m + n;
          for (int k = 0; k < kDepth[type]; ++k) expected += element_a(m, k) * element_b(k, n);
          EXPECT_EQ(static_cast<int32_t>(words[static_cast<size_t>(m * 8 + n)]), expected)
              << "type " << type << " m " << m << " n " << n;
        }
      }
    }
  });
}

struct CopyParams {
  Global<const uint32_t> source;
  Global<uint32_t> words;
  int wait_one;  // leave one group under way at the read of the first
};

// Two groups of a 16-byte copy a thread; the second one is cut to nothing in odd threads.
void copy_kernel(CopyParams p) {
  const uint32_t tid = ptx::tid_x();
  ptx::cp_async_cg_16(tid * 16, p.source + tid * 4, true);
  ptx::cp_async_commit_group();
  ptx::cp_async_cg_16(1024 + tid * 16, p.source + (256 + tid * 4), tid % 2 == 0);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<1>();
  const U4 x = ptx::ld_shared_v4_b32(tid * 16);
  ptx::cp_async_wait_group<0>();
  const U4 y = ptx::ld_shared_v4_b32(1024 + tid * 16);
  ptx::st_global_b32(p.words + tid * 2, x.w);
  ptx::st_global_b32(p.words + (tid * 2 + 1), y.w);
}

TEST_F(PlainTest, AsynchronousCopies) {
  for (const auto completion : {emu::Completion::kEarly, emu::Completion::kLate, emu::Completion::kRandom}) {
    emu::Settings settings;
    settings.completion = completion;
    emu::configure(settings);
    DeviceArray<uint32_t> source(512), words(128);
    for (uint32_t i = 0; i < 512; ++i) source[i] = i;
    ASSERT_TRUE(launch(copy_kernel, {source.global_const(), words.global(), 0}, 1, 64, 2048));
    for (uint32_t tid = 0; tid < 64; ++tid) {
      EXPECT_EQ(words[tid * 2], tid * 4 + 3);
      EXPECT_EQ(words[tid * 2 + 1], tid % 2 ? 0 : 256 + tid * 4 + 3);
    }
    EXPECT_EQ(findings(), "");
  }
}

}  // namespace
}  // namespace wl::test
