// Bulk copies, mbarriers and wgmma in a matrix product, and faults seeded into it: c = a b with a [M, K] and b [N, K]
// or [K, N], bfloat16. A block makes 64 x 64: warp group 0 multiplies, one thread of warp group 1 copies three stages
// of 64 x 64 tiles ahead; each stage has a barrier that says full and one that says empty.
#include "cuda/ptx/wgmma.h"

#include <cmath>
#include <random>

#include "cuda/ptx/tma.h"
#include "grid.h"

namespace wl::test {
namespace {

using namespace cuda;

enum class Fault {
  kNone,
  kEarlyRelease,
  kWrongParity,
  kNoWaitForFull,
  kTooFewBytes,
  kWrongStride,
  kNoLastWait,
  kTooManyArrivals
};

struct Params {
  TensorMap a, b;
  Global<float> c;
  int m, n, k;
  bool b_is_transposed;  // [K, N]
  Fault fault;
};

constexpr uint32_t kStages = 3, kTileBytes = 64 * 128, kSharedBytes = kStages * 2 * kTileBytes + 64;

WL_DEVICE uint32_t full(uint32_t stage) { return kStages * 2 * kTileBytes + stage * 8; }
WL_DEVICE uint32_t empty(uint32_t stage) { return full(kStages) + stage * 8; }

void copy_tiles(const Params& p, int m0, int n0, int steps) {
  for (int i = 0; i < steps; ++i) {
    const auto stage = static_cast<uint32_t>(i) % kStages, round = static_cast<uint32_t>(i) / kStages;
    ptx::mbarrier_wait_parity(empty(stage), (round & 1) ^ (p.fault == Fault::kWrongParity ? 0 : 1));
    ptx::mbarrier_arrive_expect_tx(full(stage), p.fault == Fault::kTooFewBytes ? kTileBytes : 2 * kTileBytes);
    const uint32_t tile = stage * 2 * kTileBytes;
    ptx::cp_async_bulk_tensor_2d(tile, p.a, i * 64, m0, full(stage));
    if (p.b_is_transposed) {
      ptx::cp_async_bulk_tensor_2d(tile + kTileBytes, p.b, n0, i * 64, full(stage));
    } else {
      ptx::cp_async_bulk_tensor_2d(tile + kTileBytes, p.b, i * 64, n0, full(stage));
    }
  }
}

void multiply_tiles(const Params& p, int m0, int n0, int steps) {
  float c[32] = {};
  const int warp = static_cast<int>(ptx::tid_x()) / 32, lane = static_cast<int>(ptx::laneid());
  for (int i = 0; i < steps; ++i) {
    const auto stage = static_cast<uint32_t>(i) % kStages, round = static_cast<uint32_t>(i) / kStages;
    if (p.fault != Fault::kNoWaitForFull) ptx::mbarrier_wait_parity(full(stage), round & 1);
    const uint32_t tile = stage * 2 * kTileBytes;
    const uint64_t a = ptx::wgmma_descriptor(tile, p.fault == Fault::kWrongStride ? 512 : 1024);
    const uint64_t b = ptx::wgmma_descriptor(tile + kTileBytes, 1024);
    ptx::wgmma_fence();
    for (uint64_t k = 0; k < 4; ++k) {
      const bool accumulate = i > 0 || k > 0;
      if (p.b_is_transposed) {
        ptx::wgmma_m64n64k16_f32_bf16<false, true>(c, a + k * 2, b + k * 128, accumulate);
      } else {
        ptx::wgmma_m64n64k16_f32_bf16<false, false>(c, a + k * 2, b + k * 2, accumulate);
      }
    }
    ptx::wgmma_commit_group();
    if (p.fault == Fault::kEarlyRelease) {
      if (lane == 0) ptx::mbarrier_arrive(empty(stage));
      ptx::wgmma_wait_group<1>();
    } else {
      ptx::wgmma_wait_group<1>();
      if (i > 0 && lane == 0) ptx::mbarrier_arrive(empty(static_cast<uint32_t>(i - 1) % kStages));
    }
    if (p.fault == Fault::kTooManyArrivals && lane == 1) ptx::mbarrier_arrive(empty(stage));
  }
  if (p.fault != Fault::kNoLastWait) ptx::wgmma_wait_group<0>();
  for (int i = 0; i < 32; ++i) {
    const int row = m0 + warp * 16 + lane / 4 + i / 2 % 2 * 8, column = n0 + i / 4 * 8 + lane % 4 * 2 + i % 2;
    if (row < p.m && column < p.n) {
      ptx::st_global_b32(p.c + (static_cast<int64_t>(row) * p.n + column), ptx::mov_b32_f32(c[i]));
    }
  }
}

void product_kernel(Params p) {
  const int m0 = static_cast<int>(ptx::ctaid_y()) * 64, n0 = static_cast<int>(ptx::ctaid_x()) * 64;
  const int steps = (p.k + 63) / 64;
  if (ptx::tid_x() == 0) {
    for (uint32_t stage = 0; stage < kStages; ++stage) {
      ptx::mbarrier_init(full(stage), 1);
      ptx::mbarrier_init(empty(stage), 4);  // a thread of each warp
    }
    ptx::fence_mbarrier_init();
  }
  ptx::bar_sync();
  if (ptx::tid_x() < 128) {
    ptx::setmaxnreg_inc<240>();
    multiply_tiles(p, m0, n0, steps);
  } else {
    ptx::setmaxnreg_dec<24>();
    if (ptx::tid_x() == 128) copy_tiles(p, m0, n0, steps);
  }
}

struct Product {
  int m, n, k;
  bool transposed;
  DeviceArray<uint16_t> a, b;
  DeviceArray<float> c;

  Product(int m, int n, int k, bool transposed)
      : m(m),
        n(n),
        k(k),
        transposed(transposed),
        a(static_cast<size_t>(m * k)),
        b(static_cast<size_t>(n * k)),
        c(static_cast<size_t>(m * n), NAN) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (size_t i = 0; i < a.size(); ++i) a[i] = ptx::cvt_rn_bf16_f32(normal(random));
    for (size_t i = 0; i < b.size(); ++i) b[i] = ptx::cvt_rn_bf16_f32(normal(random));
  }
  bool run(Fault fault = Fault::kNone) {
    const auto map = [](DeviceArray<uint16_t>& x, int width, int height) {
      return TensorMap{x.data(), width, height, static_cast<uint64_t>(width) * 2, 2, 64, 64, true};
    };
    const Params params{
        map(a, k, m), transposed ? map(b, n, k) : map(b, k, n), c.global(), m, n, k, transposed, fault};
    for (size_t i = 0; i < c.size(); ++i) c[i] = NAN;
    const emu::GridShape shape{
        {static_cast<uint32_t>((n + 63) / 64), static_cast<uint32_t>((m + 63) / 64), 1},
        256,
        kSharedBytes,
        false,
        false};
    return launch(product_kernel, params, shape, next_order(), "product");
  }
  bool is_right() {
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        double expected = 0;
        for (int x = 0; x < k; ++x) {
          expected += static_cast<double>(ptx::cvt_f32_bf16(a[static_cast<size_t>(i * k + x)])) *
                      ptx::cvt_f32_bf16(b[static_cast<size_t>(transposed ? x * n + j : j * k + x)]);
        }
        if (!(std::fabs(c[static_cast<size_t>(i * n + j)] - expected) < 1e-3)) return false;
      }
    }
    return true;
  }
  // Whether a run shows that something is wrong.
  bool shows(Fault fault = Fault::kNone) {
    emu::clear_report();
    return !run(fault) || !findings().empty() || !is_right();
  }
};

struct WgmmaTest : EmulatorTest {};

TEST_F(WgmmaTest, RightUnderEachScheduleAndCompletion) {
  for (const bool transposed : {false, true}) {
    Product whole(128, 64, 320, transposed), ragged(100, 72, 200, transposed);
    for (uint64_t seed = 0; seed < 12; ++seed) {
      emu::Settings settings;
      settings.schedule = seed ? emu::Schedule::kRandom : emu::Schedule::kInOrder;
      settings.completion = static_cast<emu::Completion>(seed % 3);
      settings.seed = seed;
      emu::configure(settings);
      for (Product* product : {&whole, &ragged}) {
        emu::clear_report();
        ASSERT_TRUE(product->run()) << findings();
        ASSERT_EQ(findings(), "");
        ASSERT_TRUE(product->is_right()) << "seed " << seed << " transposed " << transposed;
      }
    }
  }
}

TEST_F(WgmmaTest, EachSeededFaultShows) {
  Product product(128, 64, 512, false);
  ASSERT_FALSE(product.shows()) << findings();
  for (const Fault fault : {Fault::kWrongParity, Fault::kNoWaitForFull, Fault::kWrongStride,
                            Fault::kNoLastWait, Fault::kTooFewBytes, Fault::kTooManyArrivals}) {
    EXPECT_TRUE(product.shows(fault)) << static_cast<int>(fault);
  }
  EXPECT_TRUE(product.shows(Fault::kWrongParity));
  EXPECT_NE(findings().find("deadlock: kernel product"), std::string::npos) << findings();
  if (!emu::kChecked) return;
  EXPECT_TRUE(product.shows(Fault::kEarlyRelease));
}

TEST_F(WgmmaTest, EachSkippedOrWeakenedSynchronisationShows) {
  if (!emu::kChecked) GTEST_SKIP() << "needs the checked build";
  Product product(64, 64, 512, false);
  ASSERT_FALSE(product.shows()) << findings();
  const std::vector<emu::SiteCount> sites = emu::report().synchronisation;
  EXPECT_EQ(sites.size(), 9u);
  for (const emu::SiteCount& site : sites) {
    for (const auto kind : {emu::MutationKind::kSkip, emu::MutationKind::kWeaken}) {
      if (kind == emu::MutationKind::kWeaken && !site.can_weaken) continue;
      emu::Settings settings;
      settings.mutation = kind;
      settings.mutated = site.site;
      emu::configure(settings);
      EXPECT_TRUE(product.shows()) << site.operation << " line " << site.site.line;
    }
  }
}

struct FenceParams {
  Global<float> c;
  bool fence;
};

// Operands stored by the threads themselves: wgmma sees them after fence.proxy.async only.
void stored_operands_kernel(FenceParams p) {
  const uint32_t tid = ptx::tid_x();
  for (uint32_t i = 0; i < 8; ++i) ptx::st_shared_v4_b32((i * 128 + tid) * 16, {0, 0, 0, 0});
  if (p.fence) ptx::fence_proxy_async();
  ptx::bar_sync();
  float c[32] = {};
  ptx::wgmma_fence();
  const uint64_t tile = ptx::wgmma_descriptor(0, 1024);
  ptx::wgmma_m64n64k16_f32_bf16<false, false>(c, tile, tile + 512, false);
  ptx::wgmma_commit_group();
  ptx::wgmma_wait_group<0>();
  ptx::st_global_b32(p.c + tid, ptx::mov_b32_f32(c[0]));
}

TEST_F(WgmmaTest, MissingProxyFence) {
  if (!emu::kChecked) GTEST_SKIP() << "needs the checked build";
  DeviceArray<float> c(128, 1);
  ASSERT_TRUE(launch(stored_operands_kernel, {c.global(), true}, 1, 128, 16 << 10));
  EXPECT_EQ(findings(), "");
  EXPECT_EQ(c[77], 0);
  ASSERT_TRUE(launch(stored_operands_kernel, {c.global(), false}, 1, 128, 16 << 10));
  EXPECT_EQ(findings().find("missing proxy fence: "), 0u) << findings();
}

}  // namespace
}  // namespace wl::test
