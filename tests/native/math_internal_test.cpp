// The vector mathematics of cpu/math-inl.h against double precision, for each target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math_internal_test.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format off
#include "cpu/math-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

template <class Function>
void map(const float* in, float* out, int64_t count, Function function) {
  for (int64_t i = 0; i < count; i += static_cast<int64_t>(hn::Lanes(F32())))
    store(Float32(), function(load(Float32(), in, i)), out, i);
}

void apply(int function, const float* in, float* out, int64_t count) {
  const auto with = [&](auto f) { map(in, out, count, f); };
  if (function == 0) with([](VF x) HWY_ATTR { return exp(x); });
  if (function == 1) with([](VF x) HWY_ATTR { return exp_softmax(x); });
  if (function == 2) with([](VF x) HWY_ATTR { return sigmoid(x); });
  if (function == 3) with([](VF x) HWY_ATTR { return tanh(x); });
  if (function == 4) with([](VF x) HWY_ATTR { return erf(x); });
  if (function == 5) with([](VF x) HWY_ATTR { return gelu(x); });
  if (function == 6) with([](VF x) HWY_ATTR { return gelu_tanh(x); });
  if (function == 7) with([](VF x) HWY_ATTR { return silu(x); });
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace wl::test {
namespace {

struct Function {
  const char* name;
  double (*reference)(double);
  double ulps;      // allowed, of the result or of `floor` where that is larger
  double floor;     // results smaller than this are held to its absolute error
  float low, high;  // domain
};

double gelu_reference(double x) { return x / 2 * std::erfc(-x / std::sqrt(2.0)); }
double gelu_tanh_reference(double x) {
  const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
  return u < 0 ? x / (1 + std::exp(-2 * u)) : x / 2 * (1 + std::tanh(u));
}

constexpr float kMax = std::numeric_limits<float>::max();
constexpr double kTiny = 0x1p-126;
// The activations square x on the way to an exponent, so that the relative error grows in the far tail: there
// they are held to an absolute error that no float32 sum of theirs can see.
const Function kFunctions[] = {
    {"exp", [](double x) { return std::exp(x); }, 1.1, kTiny, -kMax, 88.7f},
    {"exp_softmax", [](double x) { return std::exp(x); }, 3, 2 * kTiny * 0x1p23, -kMax, 88},
    {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }, 2.5, 0x1p-102, -kMax, kMax},
    {"tanh", [](double x) { return std::tanh(x); }, 2, kTiny, -kMax, kMax},
    {"erf", [](double x) { return std::erf(x); }, 2.5, kTiny, -kMax, kMax},
    {"gelu", gelu_reference, 7, 1e-3, -1e30f, 1e30f},
    {"gelu_tanh", gelu_tanh_reference, 10, 1e-2, -1e12f, 1e12f},
    {"silu", [](double x) { return x / (1 + std::exp(-x)); }, 3.5, 0x1p-100, -1e30f, 1e30f},
};

using Apply = void (*)(int, const float*, float*, int64_t);
std::vector<std::pair<const char*, Apply>> targets() {
  std::vector<std::pair<const char*, Apply>> result = {{"avx2", &cpu::N_AVX2::apply}};
  if (machine_isa() >= Isa::kAvx512) result.emplace_back("avx512", &cpu::N_AVX3::apply);
  return result;
}

// Every 1009th float of all, both signs.
std::vector<float> sweep() {
  std::vector<float> values;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 1009) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(bits));
    if (std::isfinite(value)) values.push_back(value);
  }
  while (values.size() % 16 != 0) values.push_back(0.5f);
  return values;
}

TEST(Math, ErrorsStayWithinTheirUlps) {
  const std::vector<float> in = sweep();
  for (const auto& [target, apply] : targets()) {
    for (int f = 0; f < static_cast<int>(std::size(kFunctions)); ++f) {
      const Function& function = kFunctions[f];
      std::vector<float> out(in.size(), NAN);
      apply(f, in.data(), out.data(), static_cast<int64_t>(in.size()));
      double worst = 0;
      float worst_at = 0;
      for (size_t i = 0; i < in.size(); ++i) {
        if (in[i] < function.low || in[i] > function.high) continue;
        const double expected = function.reference(in[i]);
        const double scale = std::max(std::fabs(expected), function.floor);
        const double unit = std::ldexp(1.0, std::ilogb(scale) - 23);
        const double error = std::fabs(out[i] - expected) / unit;
        if (!(error <= worst)) worst = error, worst_at = in[i];
      }
      RecordProperty(std::string(target) + "." + function.name, std::to_string(worst));
      EXPECT_LE(worst, function.ulps) << target << " " << function.name << " at " << worst_at;
    }
  }
}

TEST(Math, SpecialValues) {
  const float inf = INFINITY;
  std::vector<float> in(16, NAN);
  in[0] = -inf, in[1] = inf, in[2] = 0.0f, in[3] = 89.5f, in[4] = -120.0f;
  for (const auto& [target, apply] : targets()) {
    for (int f = 0; f < static_cast<int>(std::size(kFunctions)); ++f) {
      std::vector<float> out(16, 0.0f);
      apply(f, in.data(), out.data(), 16);
      for (int i = 5; i < 16; ++i) EXPECT_TRUE(std::isnan(out[i])) << target << " " << kFunctions[f].name;
    }
    const auto value = [&, apply = apply](int f, int i) {
      std::vector<float> out(16);
      apply(f, in.data(), out.data(), 16);
      return out[i];
    };
    EXPECT_EQ(value(0, 0), 0.0f);
    EXPECT_EQ(value(0, 1), inf);
    EXPECT_EQ(value(0, 2), 1.0f);
    EXPECT_EQ(value(0, 3), inf);
    EXPECT_EQ(value(0, 4), 0.0f);
    EXPECT_EQ(value(1, 0), 0.0f);
    EXPECT_EQ(value(1, 4), 0.0f);
    EXPECT_EQ(value(2, 0), 0.0f);
    EXPECT_EQ(value(2, 1), 1.0f);
    EXPECT_EQ(value(2, 2), 0.5f);
    for (const int odd : {3, 4}) {
      EXPECT_EQ(value(odd, 0), -1.0f);
      EXPECT_EQ(value(odd, 1), 1.0f);
      EXPECT_EQ(value(odd, 2), 0.0f);
    }
    for (const int activation : {5, 6, 7}) {
      EXPECT_EQ(value(activation, 1), inf);
      EXPECT_EQ(value(activation, 2), 0.0f);
      EXPECT_EQ(value(activation, 4), 0.0f) << "far below zero nothing is left";
    }
  }
}

}  // namespace
}  // namespace wl::test
#endif  // HWY_ONCE
