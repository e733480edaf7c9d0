// The numerics mode: approximations within the PTX manual's bounds and no better, sums as tensor cores cut them.
#include <cmath>
#include <functional>
#include <random>

#include "attention_load.h"

namespace wl::test {
namespace {

struct NumericsTest : EmulatorTest {
  static void on(uint64_t seed) {
    emu::Settings settings;
    settings.numerics = true;
    settings.seed = seed;
    emu::configure(settings);
  }
};

struct Function {
  const char* name;
  std::function<float(float)> approximate;
  std::function<double(double)> exact;
  double low, high, relative, absolute;  // range of operands, bounds
};

TEST_F(NumericsTest, ApproximationsUseTheirBounds) {
  const auto ulp = [](double x) { return std::ldexp(1.0, std::ilogb(x) - 23); };
  const Function all[] = {
      {"ex2", emu::ex2_approx_ftz, [](double x) { return std::exp2(x); }, -100, 100, 0x1p-22, 0},
      {"lg2 near 1", emu::lg2_approx_ftz, [](double x) { return std::log2(x); }, 0.5, 2, 0, 0x1p-22},
      {"lg2", emu::lg2_approx_ftz, [](double x) { return std::log2(x); }, 2.01, 1e6, 0x1p-22, 0},
      {"rcp", emu::rcp_approx_ftz, [](double x) { return 1 / x; }, 1e-6, 1e6, 0, -1},  // one ulp
      {"rsqrt", emu::rsqrt_approx_ftz, [](double x) { return 1 / std::sqrt(x); }, 1e-6, 1e6, std::exp2(-22.9),
       0},
      {"tanh", emu::tanh_approx, [](double x) { return std::tanh(x); }, -4, 4, 0x1p-11, 0}};
  for (const Function& function : all) {
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      on(seed);
      std::mt19937 random(3);
      std::uniform_real_distribution<float> operands(static_cast<float>(function.low),
                                                     static_cast<float>(function.high));
      double most = 0;
      for (int i = 0; i < 20000; ++i) {
        const float x = operands(random);
        const double exact = function.exact(x);
        const float result = function.approximate(x);
        EXPECT_EQ(result, function.approximate(x));
        const double bound = function.absolute > 0   ? function.absolute
                             : function.absolute < 0 ? ulp(exact)
                                                     : function.relative * std::fabs(exact);
        const double error = std::fabs(result - exact) / bound;
        ASSERT_LE(error, 1) << function.name << " " << x;
        most = std::max(most, error);
      }
      EXPECT_GT(most, 0.6) << function.name;
    }
  }
}

TEST_F(NumericsTest, SpecialOperandsAndSubnormals) {
  for (const bool numerics : {false, true}) {
    emu::Settings settings;
    settings.numerics = numerics;
    emu::configure(settings);
    EXPECT_EQ(emu::ex2_approx_ftz(-INFINITY), 0.0f);
    EXPECT_EQ(emu::ex2_approx_ftz(1e-40f), 1.0f);
    EXPECT_EQ(emu::ex2_approx_ftz(-127.5f), 0.0f);  // a subnormal result
    EXPECT_EQ(emu::lg2_approx_ftz(1e-40f), -INFINITY);
    EXPECT_TRUE(std::isnan(emu::lg2_approx_ftz(-1.0f)));
    EXPECT_EQ(emu::rcp_approx_ftz(1e-40f), INFINITY);
    EXPECT_EQ(emu::rcp_approx_ftz(-0.0f), -INFINITY);
    EXPECT_EQ(emu::rsqrt_approx_ftz(-0.0f), -INFINITY);
    EXPECT_TRUE(std::isnan(emu::rsqrt_approx_ftz(-1.0f)));
    EXPECT_EQ(emu::tanh_approx(INFINITY), 1.0f);
  }
}

struct Params {
  cuda::Global<const float> a, b;  // 16 x 8, 8 x 8 (k, n)
  cuda::Global<float> d;
};

void product_kernel(Params p) {
  using namespace cuda;
  const int lane = static_cast<int>(ptx::laneid()), g = lane / 4, t = lane % 4;
  const auto a = [&](int m, int k) { return ptx::ld_global_b32(p.a + (m * 8 + k)); };
  const auto b = [&](int k, int n) { return ptx::ld_global_b32(p.b + (k * 8 + n)); };
  const uint32_t left[4] = {a(g, t), a(g + 8, t), a(g, t + 4), a(g + 8, t + 4)};
  float c[4] = {1, 1, 1, 1};
  ptx::mma_m16n8k8_f32_tf32(c, left, b(t, g), b(t + 4, g));
  for (int i = 0; i < 4; ++i) {
    ptx::st_global_b32(p.d + ((g + i / 2 * 8) * 8 + 2 * t + i % 2), ptx::mov_b32_f32(c[i]));
  }
}

TEST_F(NumericsTest, SumsOfPositiveProductsAreCutDownwards) {
  DeviceArray<float> a(128), b(64), d(128), again(128);
  std::mt19937 random(5);
  std::uniform_real_distribution<float> values(0, 1);
  const auto tf32 = [](float x) { return cuda::ptx::mov_f32_b32(cuda::ptx::cvt_rna_tf32_f32(x)); };
  for (size_t i = 0; i < 128; ++i) a[i] = tf32(values(random));
  for (size_t i = 0; i < 64; ++i) b[i] = tf32(values(random));
  std::vector<std::vector<float>> results;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    on(seed);
    ASSERT_TRUE(launch(product_kernel, {a.global_const(), b.global_const(), d.global()}, 1, 32));
    ASSERT_TRUE(launch(product_kernel, {a.global_const(), b.global_const(), again.global()}, 1, 32));
    int below = 0;
    for (size_t i = 0; i < 128; ++i) {
      EXPECT_EQ(d[i], again[i]);
      double exact = 1;
      for (size_t k = 0; k < 8; ++k) exact += static_cast<double>(a[i / 8 * 8 + k]) * b[k * 8 + i % 8];
      // At most nine cut terms and three cut sums, each below a unit in the last place of the result.
      EXPECT_LE(d[i], exact);
      EXPECT_GE(d[i], exact - 12 * std::ldexp(1.0, std::ilogb(exact) - 23));
      below += static_cast<double>(d[i]) < exact - std::ldexp(0.5, std::ilogb(exact) - 23);
    }
    EXPECT_GT(below, 64) << "more than rounding loses";
    results.emplace_back(d.data(), d.data() + 128);
  }
  EXPECT_NE(results[0], results[1]);
  EXPECT_EQ(findings(), "");
}

TEST_F(NumericsTest, TheAttentionLoadStaysRight) {
  load::Case run(150, 1, true);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    on(seed);
    ASSERT_TRUE(run.run()) << findings();
    EXPECT_LT(run.error(), 0.02);
  }
}

}  // namespace
}  // namespace wl::test
