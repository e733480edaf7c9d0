// wl_gemm on the emulated device: the same bits again under any schedule, and (batch-invariant) for any number of rows, any
// tile and any alignment.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "emulator/grid.h"
#include "emulator/host/host.h"
#include "support/gemm_case.h"

namespace wl::test {
namespace {

using Bytes = std::vector<unsigned char>;

struct GemmBits : EmulatorTest {
  ~GemmBits() override { emu::configure_host({}); }
  static void multiprocessors(int count) {
    emu::HostSettings host;
    host.multiprocessors = count;
    emu::configure_host(host);
  }
  static void schedule(uint64_t seed, bool numerics) {
    emu::Settings settings;
    settings.schedule = seed == 0 ? emu::Schedule::kInOrder : emu::Schedule::kRandom;
    settings.completion = seed % 3 == 0   ? emu::Completion::kLate
                          : seed % 3 == 1 ? emu::Completion::kEarly
                                          : emu::Completion::kRandom;
    settings.seed = seed;
    settings.numerics = numerics;
    emu::configure(settings);
  }
};

GemmOptions typed(int32_t x_type, int32_t weight_type) {
  GemmOptions o;
  o.x_type = x_type, o.weight_type = weight_type;
  return o;
}

const std::vector<GemmOptions> kOptions = {
    typed(WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT32), typed(WL_DTYPE_BFLOAT16, WL_DTYPE_BFLOAT16),
    typed(WL_DTYPE_FLOAT32, WL_DTYPE_BFLOAT16), typed(WL_DTYPE_FLOAT16, WL_DTYPE_FLOAT16)};

// Rows, tiles and split-K, whatever the order in which threads, blocks and copies run.
TEST_F(GemmBits, EverySchedule) {
  multiprocessors(132);
  for (GemmOptions o : kOptions) {
    for (const GemmShape& shape : std::vector<GemmShape>{{3, 70, 200}, {20, 64, 2048}, {70, 130, 100}}) {
      o.gated = shape.m == 20, o.activation = WL_ACTIVATION_SILU, o.bias_type = WL_DTYPE_FLOAT32;
      GemmCase c(shape, o);
      Bytes first;
      for (uint64_t seed = 0; seed < 6; ++seed) {
        schedule(seed, false);
        c.run();
        if (first.empty()) {
          first = c.y.bytes();
          EXPECT_TRUE(c.matches());
        }
        ASSERT_EQ(c.y.bytes(), first) << "seed " << seed << ", " << c.describe();
        ASSERT_EQ(findings(), "") << "seed " << seed << ", " << c.describe();
      }
    }
  }
}

// Arithmetic as rough as hardware's. The tensor core truncates the sums of 16-bit products, which shows in a float32 y: there
// y has the operands' type.
TEST_F(GemmBits, ToleranceHoldsUnderRoughArithmetic) {
  multiprocessors(132);
  for (GemmOptions o : kOptions) {
    for (const int32_t activation : {WL_ACTIVATION_NONE, WL_ACTIVATION_GELU, WL_ACTIVATION_GELU_TANH,
                                     WL_ACTIVATION_SILU, WL_ACTIVATION_RELU}) {
      for (const GemmShape& shape :
           std::vector<GemmShape>{{3, 70, 200}, {20, 64, 2048}, {70, 130, 100}, {17, 40, 1}, {40, 24, 8}}) {
        o.activation = activation;
        if (o.x_type == o.weight_type) o.y_type = o.x_type;
        GemmCase c(shape, o);
        for (const uint64_t seed : {1, 2}) {
          schedule(seed, true);
          c.run();
          EXPECT_TRUE(c.matches());
        }
      }
    }
  }
}

// Split-K is asked for where it is expected: the caller's workspace holds its planes.
TEST_F(GemmBits, SplitsNeedTheirWorkspace) {
  multiprocessors(132);
  GemmOptions o = typed(WL_DTYPE_BFLOAT16, WL_DTYPE_BFLOAT16);
  GemmCase c({20, 64, 2048}, o);
  wl_gemm_params p = c.params();
  wl_launch at = c.launch();
  at.device_kind = WL_DEVICE_CUDA;
  uint64_t bytes = 0;
  ASSERT_EQ(wl_gemm_workspace_size(&p, &at, &bytes), WL_STATUS_OK) << wl_last_error();
  EXPECT_GE(bytes, 2u * 20 * 64 * 4);
  EXPECT_EQ(bytes % (20 * 64 * 4), 0u);
  at.flags = WL_FLAG_BATCH_INVARIANT;
  ASSERT_EQ(wl_gemm_workspace_size(&p, &at, &bytes), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(bytes, 0u);
}

// A row alone, among few and among many; on devices for which other tiles are chosen; from rows that no vector fits.
TEST_F(GemmBits, BatchInvariantRowsHaveTheSameBitsWhateverM) {
  constexpr int64_t n = 70, k = 200, rows = 150;
  for (GemmOptions o : kOptions) {
    o.batch_invariant = true, o.bias_type = WL_DTYPE_FLOAT32, o.activation = WL_ACTIVATION_GELU;
    multiprocessors(16);
    GemmCase whole({rows, n, k}, o);
    whole.run();
    EXPECT_TRUE(whole.matches());
    const Bytes expected = whole.y.bytes();
    const auto size = static_cast<int64_t>(o.x_type == WL_DTYPE_FLOAT32 ? 4 : 2);
    for (const int count : {1, 132}) {
      multiprocessors(count);
      for (const int64_t m : {1, 2, 9, 17, 64, 130, 150}) {
        const int64_t first = (m * 31) % (rows - m + 1);
        wl_gemm_params p = whole.params();
        p.x.data = static_cast<unsigned char*>(p.x.data) + first * k * size;
        p.x.shape[0] = p.y.shape[0] = m;
        const wl_launch at = whole.launch();
        ASSERT_EQ(wl_gemm(&p, &at), WL_STATUS_OK) << wl_last_error();
        ASSERT_EQ(std::memcmp(p.y.data, expected.data() + first * n * 4, static_cast<size_t>(m * n * 4)), 0)
            << m << " rows from " << first << ", " << count << " multiprocessors, " << whole.describe();
      }
    }
    // The same rows one element further apart.
    Buffer apart(o.x_type, {rows, k + 1});
    for (int64_t i = 0; i < rows * k; ++i) apart.set(i / k * (k + 1) + i % k, whole.x.get(i));
    wl_gemm_params p = whole.params();
    p.x = apart.view();
    p.x.shape[1] = k;
    const wl_launch at = whole.launch();
    ASSERT_EQ(wl_gemm(&p, &at), WL_STATUS_OK) << wl_last_error();
    ASSERT_EQ(whole.y.bytes(), expected) << whole.describe();
  }
}

TEST_F(GemmBits, PackedWeightsAreRefused) {
  GemmOptions o;
  o.packed = true;
  GemmCase c({3, 5, 4}, o);
  const wl_gemm_params p = c.params();
  EXPECT_EQ(wl_gemm(&p, nullptr), WL_STATUS_UNSUPPORTED);
  EXPECT_STREQ(wl_last_error_parameter(), "packed");
  EXPECT_NE(std::string(wl_last_error()).find("give the weight as it is, as weight"), std::string::npos)
      << wl_last_error();
}

}  // namespace
}  // namespace wl::test
