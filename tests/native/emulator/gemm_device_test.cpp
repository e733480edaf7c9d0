// wl_gemm on the emulated device against double precision: every kernel instance, type, epilogue, odd shapes and views.
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "emulator/grid.h"
#include "emulator/host/host.h"
#include "support/gemm_case.h"

namespace wl::test {
namespace {

constexpr int32_t kTypes[] = {WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16};

bool served(int32_t a, int32_t b) { return a == WL_DTYPE_FLOAT32 || b == WL_DTYPE_FLOAT32 || a == b; }

struct GemmDevice : EmulatorTest {
  ~GemmDevice() override { emu::configure_host({}); }
  // The selection depends on the number of multiprocessors: few give big tiles, many small ones and split-K.
  static void multiprocessors(int count) {
    emu::HostSettings host;
    host.multiprocessors = count;
    emu::configure_host(host);
  }
  std::set<std::string> kernels;
  void check(const GemmShape& shape, const GemmOptions& o) {
    GemmCase c(shape, o);
    c.run();
    kernels.insert(wl_last_kernel());
    ASSERT_TRUE(c.matches());
    ASSERT_EQ(findings(), "") << c.describe();
  }
};

GemmOptions typed(int32_t x_type, int32_t weight_type, int32_t y_type) {
  GemmOptions o;
  o.x_type = x_type, o.weight_type = weight_type, o.y_type = y_type;
  return o;
}

// Every pair of types by rows and tiles, with whole chunks of k and without.
TEST_F(GemmDevice, EveryTypeAndKernel) {
  for (const int32_t x_type : kTypes) {
    for (const int32_t weight_type : kTypes) {
      if (!served(x_type, weight_type)) continue;
      for (const int32_t y_type : {x_type, static_cast<int32_t>(WL_DTYPE_FLOAT32)}) {
        for (const int64_t m : {1, 2, 3, 8, 9, 40}) {
          for (const int64_t k : {96, 75}) {
            GemmOptions o = typed(x_type, weight_type, y_type);
            o.bias_type = kTypes[m % 3], o.residual_type = kTypes[(m + 1) % 3];
            check({m, 44, k}, o);
          }
        }
      }
    }
  }
}

// Shapes of tiles that are not full, down to one element; every tile and split that the selection knows.
TEST_F(GemmDevice, OddShapes) {
  const std::vector<GemmShape> shapes = {{1, 1, 1},      {1, 7, 3},     {7, 17, 100},    {17, 33, 17},
                                         {33, 65, 100},  {65, 129, 3},  {129, 65, 17},   {129, 129, 1},
                                         {65, 33, 200},  {16, 64, 512}, {130, 132, 264}, {16, 512, 1024},
                                         {12, 260, 1023}};
  for (const int count : {1, 16, 132}) {
    multiprocessors(count);
    for (const int32_t type : kTypes) {
      for (const bool gated : {false, true}) {
        for (const GemmShape& shape : shapes) {
          GemmOptions o = typed(type, type, type);
          o.gated = gated, o.activation = gated ? WL_ACTIVATION_SILU : WL_ACTIVATION_NONE;
          check(shape, o);
        }
      }
    }
  }
  for (const std::string type : {"bfloat16", "float16", "float32"}) {
    const std::string big = type == "float32" ? "128x64" : "128x128";
    for (const std::string& tile : {big, std::string("64x64"), std::string("16x64"), std::string("64x64_any"),
                                    std::string("16x64_any")})
      EXPECT_TRUE(kernels.contains("gemm.tiles" + tile + ".sm80." + type)) << tile << " " << type;
  }
}

TEST_F(GemmDevice, EveryEpilogue) {
  int variant = 0;
  for (int32_t activation = 0; activation <= WL_ACTIVATION_RELU; ++activation) {
    for (const bool gated : {false, true}) {
      for (const bool bias : {false, true}) {
        for (const bool residual : {false, true}) {
          for (const int32_t type : kTypes) {
            for (const int64_t m : {2, 19}) {
              GemmOptions o =
                  typed(type, type, ++variant % 2 ? type : static_cast<int32_t>(WL_DTYPE_FLOAT32));
              o.activation = activation, o.gated = gated;
              o.bias_type = bias ? kTypes[variant % 3] : static_cast<int32_t>(WL_DTYPE_NONE);
              o.residual_type = residual ? kTypes[variant / 2 % 3] : static_cast<int32_t>(WL_DTYPE_NONE);
              check({m, 53, 40}, o);
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace wl::test
