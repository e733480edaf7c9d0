// wl_gemm against double precision: types, kernels, instruction sets, shapes, epilogues, views.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "support/gemm_case.h"

namespace wl::test {
namespace {

constexpr int32_t kTypes[] = {WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16};

bool served(int32_t a, int32_t b) { return a == WL_DTYPE_FLOAT32 || b == WL_DTYPE_FLOAT32 || a == b; }

// Where calls go to a device its own tests check the names.
bool kernel_matches(const std::string& kernel, const std::string& isa, const GemmOptions& o) {
  if (kOnDevice) return true;
  const bool dot =
      isa == "avx512_bf16" && o.x_type == WL_DTYPE_BFLOAT16 && o.weight_type == WL_DTYPE_BFLOAT16;
  const std::string set = dot ? isa : isa == "avx2" ? "avx2" : "avx512";
  return wl_last_kernel() == "gemm." + kernel + "." + set + (dot ? ".bfloat16" : ".float32");
}

TEST(Gemm, EveryTypeKernelAndInstructionSet) {
  for (const std::string& isa : gemm_instruction_sets()) {
    const OptionScope set("cpu_isa", isa);
    for (const std::string kernel : {"rows", "tiles"}) {
      const OptionScope forced("gemm.kernel", kernel);
      for (const int32_t x_type : kTypes) {
        for (const int32_t weight_type : kTypes) {
          if (!served(x_type, weight_type)) continue;
          for (const int32_t y_type : {x_type, static_cast<int32_t>(WL_DTYPE_FLOAT32)}) {
            for (const bool packed : packings()) {
              for (const int64_t m : {1, 3, 6, 8, 9, 31}) {
                GemmOptions o;
                o.x_type = x_type, o.weight_type = weight_type, o.y_type = y_type, o.packed = packed;
                o.bias_type = kTypes[m % 3], o.residual_type = kTypes[(m + 1) % 3];
                GemmCase c({m, 43, 75 + m}, o);
                c.run();
                EXPECT_TRUE(c.matches());
                const bool rows = kernel == "rows" && m <= 8 && !packed;
                EXPECT_TRUE(kernel_matches(rows ? "rows" : "tiles", isa, o)) << c.describe();
              }
            }
          }
        }
      }
    }
  }
}

TEST(Gemm, EveryShapeUpTo17AndBeyond) {
  for (const int32_t type : {WL_DTYPE_FLOAT32, WL_DTYPE_BFLOAT16}) {
    GemmOptions o;
    o.x_type = o.weight_type = type;
    for (int64_t m = 1; m <= 17; ++m) {
      for (int64_t n = 1; n <= 17; ++n) {
        o.packed = !kOnDevice && (m + n) % 2 == 0;
        GemmCase c({m, n, 1 + (m * 7 + n * 3) % 17}, o);
        c.run();
        ASSERT_TRUE(c.matches());
      }
    }
  }
  for (const std::string& isa : gemm_instruction_sets()) {
    const OptionScope set("cpu_isa", isa);
    for (const GemmShape& shape : std::vector<GemmShape>{{1, 129, 1000},
                                                         {5, 65, 513},
                                                         {127, 131, 257},
                                                         {20, 300, 31},
                                                         {260, 33, 258},
                                                         {64, 64, 1030},
                                                         {9, 16, 2049}}) {
      for (const int32_t type : kTypes) {
        for (const bool packed : packings()) {
          GemmOptions o;
          o.x_type = o.weight_type = type, o.packed = packed;
          GemmCase c(shape, o);
          c.run();
          EXPECT_TRUE(c.matches());
        }
      }
    }
  }
}

TEST(Gemm, EveryEpilogue) {
  for (const std::string& isa : gemm_instruction_sets()) {
    const OptionScope set("cpu_isa", isa);
    int variant = 0;
    for (int32_t activation = 0; activation <= WL_ACTIVATION_RELU; ++activation) {
      for (const bool gated : {false, true}) {
        for (const bool bias : {false, true}) {
          for (const bool residual : {false, true}) {
            for (const int32_t type : kTypes) {
              for (const int64_t m : {2, 19}) {
                GemmOptions o;
                o.x_type = o.weight_type = type;
                o.y_type = ++variant % 2 ? type : static_cast<int32_t>(WL_DTYPE_FLOAT32);
                o.activation = activation, o.gated = gated, o.packed = !kOnDevice && variant % 3 == 0;
                o.bias_type = bias ? kTypes[variant % 3] : WL_DTYPE_NONE;
                o.residual_type = residual ? kTypes[variant / 2 % 3] : WL_DTYPE_NONE;
                GemmCase c({m, 53, 40}, o);
                c.run();
                EXPECT_TRUE(c.matches());
              }
            }
          }
        }
      }
    }
  }
}

TEST(Gemm, PairOfAPlainAndAPackedWeight) {
  if (kOnDevice) GTEST_SKIP() << "packed weights are the CPU's";
  GemmOptions o;
  o.gated = true, o.activation = WL_ACTIVATION_SILU;
  GemmCase c({4, 50, 60}, o);
  const Packed up(c.up_weight.view());
  wl_gemm_params p = c.params();
  p.up_weight = {};
  p.up_packed = up.data();
  p.up_packed_bytes = up.size();
  ASSERT_EQ(wl_gemm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_TRUE(c.matches());
}

// A weight in float32 beside bfloat16: neither operand is rounded to the other's type.
TEST(Gemm, MixedTypesKeepThePrecisionOfEach) {
  for (const std::string& isa : gemm_instruction_sets()) {
    const OptionScope set("cpu_isa", isa);
    for (const int64_t m : {2, 20}) {
      GemmOptions o;
      o.weight_type = WL_DTYPE_BFLOAT16;
      GemmCase c({m, 48, 64}, o);
      std::vector<double> ones(static_cast<size_t>(m * 64), 0.0);
      for (int64_t i = 0; i < m; ++i) ones[static_cast<size_t>(i * 64 + i)] = 1 + 0x1p-20;
      c.x = Buffer::floats(WL_DTYPE_FLOAT32, {m, 64}, ones);
      c.weight = Buffer::floats(WL_DTYPE_BFLOAT16, {48, 64}, std::vector<double>(48 * 64, 1.0));
      c.run();
      for (const double value : c.result()) ASSERT_EQ(value, 1 + 0x1p-20) << c.describe();
    }
  }
}

TEST(Gemm, ZeroExtents) {
  for (const bool packed : packings()) {
    for (const GemmShape& shape :
         std::vector<GemmShape>{{0, 5, 7}, {5, 0, 7}, {3, 20, 0}, {30, 5, 0}, {0, 0, 0}}) {
      GemmOptions o;
      o.packed = packed, o.bias_type = WL_DTYPE_FLOAT32, o.residual_type = WL_DTYPE_BFLOAT16;
      o.activation = WL_ACTIVATION_GELU;
      GemmCase c(shape, o);
      wl_gemm_params p = c.params();
      for (wl_tensor* t : {&p.x, &p.weight, &p.bias, &p.residual, &p.y}) {
        if (t->rank == 2 && (t->shape[0] == 0 || t->shape[1] == 0)) t->data = nullptr;
        if (t->rank == 1 && t->shape[0] == 0) t->data = nullptr;
      }
      ASSERT_EQ(wl_gemm(&p, nullptr), WL_STATUS_OK) << wl_last_error() << c.describe();
      EXPECT_TRUE(c.matches());
    }
  }
}

// Rows further apart than they are long, in every operand; what lies between them is not read and not written.
TEST(Gemm, StridedRows) {
  constexpr int64_t n = 37, k = 41;
  for (const int64_t m : {3, 20}) {
    for (const int32_t type : kTypes) {
      GemmOptions o;
      o.x_type = o.weight_type = o.y_type = o.residual_type = o.bias_type = type;
      GemmCase c({m, n, k}, o);
      const auto spread = [](const Buffer& dense, int64_t stride) {
        Buffer wide(dense.dtype(), {dense.shape()[0], stride});  // NaN between the rows
        const int64_t width = dense.shape()[1];
        for (int64_t i = 0; i < dense.size(); ++i) wide.set(i / width * stride + i % width, dense.get(i));
        return wide;
      };
      const Buffer x = spread(c.x, k + 5), weight = spread(c.weight, k + 3),
                   residual = spread(c.residual, n + 9);
      Buffer y(type, {m, n + 7});
      const Buffer bias = spread(Buffer::floats(type, {n, 1}, c.bias.values()), 2);
      wl_gemm_params p = c.params();
      const auto narrow = [](const Buffer& wide, int64_t width) {
        wl_tensor view = wide.view();
        view.shape[1] = width;
        return view;
      };
      p.x = narrow(x, k), p.weight = narrow(weight, k), p.residual = narrow(residual, n), p.y = narrow(y, n);
      p.bias.data = bias.view().data;
      p.bias.strides[0] = 2;
      ASSERT_EQ(wl_gemm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
      std::vector<double> got;
      for (int64_t i = 0; i < y.size(); ++i) {
        if (i % (n + 7) < n) {
          got.push_back(y.get(i));
        } else {
          ASSERT_TRUE(std::isnan(y.get(i))) << "written between the rows";
        }
      }
      EXPECT_TRUE(y.guards_intact());
      EXPECT_TRUE(c.matches(got));
    }
  }
}

TEST(Gemm, ZeroStridesBroadcast) {
  constexpr int64_t n = 35, k = 18;
  for (const int64_t m : {4, 19}) {
    GemmOptions o;
    o.residual_type = o.bias_type = WL_DTYPE_FLOAT32;
    GemmCase c({m, n, k}, o);
    for (int64_t i = 0; i < m * k; ++i) c.x.set(i, c.x.get(i % k));
    for (int64_t i = 0; i < m * n; ++i) c.residual.set(i, c.residual.get(i % n));
    for (int64_t i = 0; i < n * k; ++i) c.weight.set(i, c.weight.get(i % k));
    for (int64_t i = 0; i < n; ++i) c.bias.set(i, c.bias.get(0));
    wl_gemm_params p = c.params();
    p.x.strides[0] = p.residual.strides[0] = p.weight.strides[0] = p.bias.strides[0] = 0;
    ASSERT_EQ(wl_gemm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
    EXPECT_TRUE(c.matches());
  }
}

// The row stride of a tensor with one row says nothing, as long as it is one in bytes too.
TEST(Gemm, TheStrideOfASingleRowIsFree) {
  for (const bool tiles : {false, true}) {
    const OptionScope forced("gemm.kernel", tiles ? "tiles" : "auto");
    GemmOptions o;
    o.residual_type = WL_DTYPE_FLOAT32;
    GemmCase c({1, 1, 300}, o);
    wl_gemm_params p = c.params();
    p.x.strides[0] = p.weight.strides[0] = p.residual.strides[0] = p.y.strides[0] = INT64_MAX / 4;
    ASSERT_EQ(wl_gemm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
    EXPECT_TRUE(c.matches());
  }
}

TEST(Gemm, ResidualMayBeTheResult) {
  for (const int64_t m : {5, 40}) {
    for (const int32_t type : kTypes) {
      GemmOptions o;
      o.x_type = o.weight_type = o.y_type = o.residual_type = type;
      GemmCase c({m, 70, 300}, o);
      wl_gemm_params p = c.params();
      for (int64_t i = 0; i < c.y.size(); ++i) c.y.set(i, c.residual.get(i));
      p.residual = p.y;
      ASSERT_EQ(wl_gemm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
      EXPECT_TRUE(c.matches());
      EXPECT_TRUE(c.y.guards_intact());
    }
  }
}

// x holds one 1 in each row: y must be exactly one element of each weight row. Finds every element that is
// dropped, taken twice or taken from another place, past the blocks of K too.
TEST(Gemm, PlantedOnesPickSingleWeights) {
  for (const std::string& isa : gemm_instruction_sets()) {
    const OptionScope set("cpu_isa", isa);
    for (const int32_t type : kTypes) {
      for (const bool packed : packings()) {
        for (const int64_t m : {7, 29}) {
          constexpr int64_t n = 33, k = 1061;
          GemmOptions o;
          o.x_type = o.weight_type = o.y_type = type, o.packed = packed;
          GemmCase c({m, n, k}, o);
          for (int64_t begin = 0; begin < k; begin += 211) {
            std::vector<double> ones(static_cast<size_t>(m * k), 0.0);
            const auto place = [&](int64_t i) { return (begin + i * 37) % k; };
            for (int64_t i = 0; i < m; ++i) ones[static_cast<size_t>(i * k + place(i))] = 1;
            c.x = Buffer::floats(type, {m, k}, ones);
            c.run();
            // Two tf32 parts hold 23 of the 24 bits of a float32.
            const double inexact = kOnDevice && type == WL_DTYPE_FLOAT32 ? 0x1p-22 : 0;
            for (int64_t i = 0; i < m * n; ++i) {
              const double expected = c.weight.get(i % n * k + place(i / n));
              ASSERT_LE(std::fabs(c.y.get(i) - expected), inexact * std::fabs(expected))
                  << "element " << i << c.describe();
            }
          }
        }
      }
    }
  }
}

// The tolerance itself is tested: what a wrong kernel would give must not pass.
TEST(Gemm, MutantsFail) {
  for (const int32_t type : kTypes) {
    GemmOptions o;
    o.x_type = o.weight_type = o.y_type = type;
    GemmCase c({20, 48, 96}, o);
    c.run();
    ASSERT_TRUE(c.matches());
    std::vector<double> scaled = c.result(), swapped = c.result();
    for (double& value : scaled) value *= 1.02;
    EXPECT_FALSE(c.matches(scaled)) << "scale + 2%";
    for (size_t j = 0; j < 48; ++j) std::swap(swapped[3 * 48 + j], swapped[4 * 48 + j]);
    EXPECT_FALSE(c.matches(swapped)) << "swapped rows";
    GemmCase dropped({20, 48, 96}, o);
    for (int64_t i = 0; i < 20; ++i) dropped.x.set(i * 96 + 95, 0);
    dropped.run();
    EXPECT_FALSE(c.matches(dropped.result())) << "the last k is missing";
  }
}

TEST(Gemm, ManyCallersAtOnce) {
  std::vector<std::thread> threads;
  std::vector<char> right(12, 0);
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([t, &right] {
      GemmOptions o;
      o.x_type = o.weight_type = kTypes[t % 3], o.seed = static_cast<uint64_t>(t) + 1;
      GemmCase c({1 + t * 5, 90, 70}, o);
      bool good = true;
      for (int repeat = 0; repeat < 10; ++repeat) {
        c.run();
        good = good && c.matches();
      }
      right[static_cast<size_t>(t)] = good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const char good : right) EXPECT_TRUE(good);
}

}  // namespace
}  // namespace wl::test
