// wl_gemm gives the same bits again, for any number of threads, and (batch-invariant) for any number of rows.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/gemm_case.h"

namespace wl::test {
namespace {

using Bytes = std::vector<unsigned char>;

GemmOptions typed(int32_t x_type, int32_t weight_type) {
  GemmOptions o;
  o.x_type = x_type, o.weight_type = weight_type;
  return o;
}

const std::vector<GemmOptions> kOptions = {
    typed(WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT32), typed(WL_DTYPE_BFLOAT16, WL_DTYPE_BFLOAT16),
    typed(WL_DTYPE_FLOAT32, WL_DTYPE_BFLOAT16), typed(WL_DTYPE_FLOAT16, WL_DTYPE_FLOAT16)};

TEST(GemmDeterminism, BitsDoNotDependOnTheNumberOfThreads) {
  for (const std::string& isa : instruction_sets()) {
    const OptionScope set("cpu_isa", isa);
    for (GemmOptions o : kOptions) {
      for (const GemmShape& shape : std::vector<GemmShape>{
               {1, 900, 500}, {3, 500, 400}, {8, 333, 601}, {300, 200, 300}, {400, 20, 520}}) {
        for (const bool packed : {false, true}) {
          o.packed = packed, o.gated = shape.m == 3, o.activation = WL_ACTIVATION_SILU;
          GemmCase c(shape, o);
          Bytes first;
          for (const char* threads : {"1", "2", "3", "7", "2"}) {
            const OptionScope count("threads", threads);
            c.run();
            if (first.empty()) first = c.y.bytes();
            ASSERT_EQ(c.y.bytes(), first) << threads << " threads, " << c.describe();
          }
        }
      }
    }
  }
}

// A row alone, among few and among many, with plain and packed weights and each kernel asked for.
TEST(GemmDeterminism, BatchInvariantRowsHaveTheSameBitsWhateverM) {
  constexpr int64_t n = 70, k = 613, rows = 260;
  for (const std::string& isa : instruction_sets()) {
    const OptionScope set("cpu_isa", isa);
    for (GemmOptions o : kOptions) {
      o.batch_invariant = true, o.bias_type = WL_DTYPE_FLOAT32, o.activation = WL_ACTIVATION_GELU;
      GemmCase whole({rows, n, k}, o);
      whole.run();
      const Bytes expected = whole.y.bytes();
      const Packed packed(whole.weight.view());
      for (const char* kernel : {"auto", "rows", "tiles"}) {
        const OptionScope forced("gemm.kernel", kernel);
        for (const int64_t m : {1, 2, 5, 8, 9, 15, 100}) {
          const int64_t first = (m * 31) % (rows - m);
          for (const bool use_packed : {false, true}) {
            wl_gemm_params p = whole.params();
            p.x.data = static_cast<unsigned char*>(p.x.data) + first * k * element_size(o.x_type);
            p.x.shape[0] = p.y.shape[0] = m;
            if (use_packed) {
              p.weight = {};
              p.packed = packed.data();
              p.packed_bytes = packed.size();
            }
            const wl_launch at = whole.launch();
            ASSERT_EQ(wl_gemm(&p, &at), WL_STATUS_OK) << wl_last_error();
            ASSERT_EQ(std::memcmp(p.y.data, expected.data() + first * n * 4, static_cast<size_t>(m * n * 4)),
                      0)
                << "rows " << first << " to " << first + m << whole.describe();
          }
        }
      }
    }
  }
}

// More rows than are copied at a time.
TEST(GemmDeterminism, LongBatchesAreCutWithoutATrace) {
  GemmOptions o;
  o.batch_invariant = true;
  constexpr int64_t rows = 2000, n = 16, k = 4200;
  GemmCase c({rows, n, k}, o);
  c.run();
  const Bytes whole = c.y.bytes();
  for (const int64_t first : {0, 1760, 1800, 1990}) {
    wl_gemm_params p = c.params();
    p.x.data = static_cast<float*>(p.x.data) + first * k;
    p.x.shape[0] = p.y.shape[0] = 10;
    const wl_launch at = c.launch();
    ASSERT_EQ(wl_gemm(&p, &at), WL_STATUS_OK) << wl_last_error();
    EXPECT_EQ(std::memcmp(p.y.data, whole.data() + first * n * 4, 10 * n * 4), 0) << "rows from " << first;
  }
}

TEST(GemmDeterminism, RepeatedCallsGiveTheSameBitsAndTakeNoMoreMemory) {
  for (const GemmOptions& o : kOptions) {
    for (const int64_t m : {1, 8, 50}) {
      GemmCase c({m, 300, 400}, o);
      c.run();
      const Bytes first = c.y.bytes();
      const uint64_t scratch = wl_scratch_bytes();
      for (int repeat = 0; repeat < 20; ++repeat) {
        c.run();
        ASSERT_EQ(c.y.bytes(), first);
      }
      EXPECT_EQ(wl_scratch_bytes(), scratch);
    }
  }
}

}  // namespace
}  // namespace wl::test
