// wl_rope_table and wl_rope against the formulas of the published methods.
#include <gtest/gtest.h>
#include <warpline/elementwise.h>

#include <cmath>
#include <string>

#include "support/matrix.h"
#include "support/tolerance.h"

namespace wl::test {
namespace {

#if !defined(WL_TEST_ON_DEVICE)  // tables are made on the CPU
wl_rope_table_params table_params(int32_t scaling, double base, const Matrix& cos, const Matrix& sin) {
  wl_rope_table_params p{};
  p.struct_size = sizeof p;
  p.scaling = scaling;
  p.base = base;
  p.cos = cos.view();
  p.sin = sin.view();
  return p;
}

// The frequency of a pair, in long double, as the methods' papers and Hugging Face's configuration define it.
long double expected_frequency(const wl_rope_table_params& p, int64_t i, int64_t pairs) {
  const long double pi = 3.14159265358979323846264338327950288L;
  const long double rotated = 2.0L * static_cast<long double>(pairs);
  const long double plain =
      1 / std::pow(static_cast<long double>(p.base), 2.0L * static_cast<long double>(i) / rotated);
  if (p.scaling == WL_ROPE_SCALING_LINEAR) return plain / p.factor;
  if (p.scaling == WL_ROPE_SCALING_LLAMA3) {
    const long double turns = p.original_max_positions * plain / (2 * pi);  // over the original context
    if (turns < p.low_frequency_factor) return plain / p.factor;
    if (turns > p.high_frequency_factor) return plain;
    const long double s =
        (turns - p.low_frequency_factor) / (p.high_frequency_factor - p.low_frequency_factor);
    return (1 - s) * plain / p.factor + s * plain;
  }
  if (p.scaling == WL_ROPE_SCALING_YARN) {
    // The (fractional) index whose frequency makes `beta` turns over the original context.
    const auto index_of = [&](long double beta) {
      return rotated * std::log(p.original_max_positions / (beta * 2 * pi)) /
             (2 * std::log(static_cast<long double>(p.base)));
    };
    long double low = index_of(p.beta_fast == 0 ? 32 : p.beta_fast),
                high = index_of(p.beta_slow == 0 ? 1 : p.beta_slow);
    if (!p.yarn_exact_range) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0L);
    high = std::min(high, rotated - 1);
    if (low == high) high += 0.001L;
    const long double keep =
        1 - std::min(1.0L, std::max(0.0L, (static_cast<long double>(i) - low) / (high - low)));
    return plain * keep + plain / p.factor * (1 - keep);
  }
  return plain;
}

long double expected_amplitude(const wl_rope_table_params& p) {
  if (p.scaling != WL_ROPE_SCALING_YARN) return 1;
  return p.attention_factor != 0 ? static_cast<long double>(p.attention_factor)
                                 : 0.1L * std::log(static_cast<long double>(p.factor)) + 1;
}

long double rounded_frequency(const wl_rope_table_params& p, int64_t i, int64_t pairs) {
  const long double exact = expected_frequency(p, i, pairs);
  if (p.frequency_dtype == WL_DTYPE_NONE) return exact;
  return round_to(p.frequency_dtype, round_to(WL_DTYPE_FLOAT32, static_cast<double>(exact)));
}

void expect_table(wl_rope_table_params p, Matrix& cos, Matrix& sin) {
  SCOPED_TRACE("scaling " + std::to_string(p.scaling) + " pairs " + std::to_string(cos.columns()));
  cos.poison();
  sin.poison();
  ASSERT_EQ(wl_rope_table(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  for (int64_t i = 0; i < cos.columns(); ++i) {
    const long double frequency = rounded_frequency(p, i, cos.columns()), amplitude = expected_amplitude(p);
    for (int64_t t = 0; t < cos.rows(); ++t) {
      const long double angle = static_cast<long double>(t) * frequency;
      // Half a unit in the last place of float32, and what double leaves of a large angle.
      const double tolerance = static_cast<double>(amplitude) * (0x1p-24 + 1e-9);
      ASSERT_NEAR(cos.get(t, i), static_cast<double>(std::cos(angle) * amplitude), tolerance)
          << t << ", " << i;
      ASSERT_NEAR(sin.get(t, i), static_cast<double>(std::sin(angle) * amplitude), tolerance)
          << t << ", " << i;
    }
  }
  EXPECT_TRUE(cos.intact() && sin.intact());
}

TEST(RopeTable, EveryScaling) {
  for (const int64_t pairs : {1, 15, 16, 17, 31, 64}) {
    for (const double base : {10000.0, 500000.0, 1e6}) {
      Matrix cos(WL_DTYPE_FLOAT32, 700, pairs, 3), sin(WL_DTYPE_FLOAT32, 700, pairs, 1);
      wl_rope_table_params p = table_params(WL_ROPE_SCALING_NONE, base, cos, sin);
      expect_table(p, cos, sin);
      p.scaling = WL_ROPE_SCALING_LINEAR;
      p.factor = 2.5;
      expect_table(p, cos, sin);
      p.scaling = WL_ROPE_SCALING_LLAMA3;
      p.factor = 8;
      p.low_frequency_factor = 1;
      p.high_frequency_factor = 4;
      p.original_max_positions = 8192;
      expect_table(p, cos, sin);
      p.scaling = WL_ROPE_SCALING_YARN;
      p.factor = 4;
      p.original_max_positions = 4096;
      for (const int32_t exact : {0, 1}) {
        p.yarn_exact_range = exact;
        expect_table(p, cos, sin);
      }
      p.attention_factor = 1.25;
      p.beta_fast = 16;
      p.beta_slow = 2;
      expect_table(p, cos, sin);
      p.beta_fast = p.beta_slow;  // an empty range, once rounding is off
      expect_table(p, cos, sin);
      if (HasFailure()) return;
    }
  }
}

// Llama 3.1's published setting: the longest wave is stretched eightfold, the shortest kept.
TEST(RopeTable, Llama31) {
  Matrix cos(WL_DTYPE_FLOAT32, 2, 64), sin(WL_DTYPE_FLOAT32, 2, 64);
  wl_rope_table_params p = table_params(WL_ROPE_SCALING_LLAMA3, 500000, cos, sin);
  p.factor = 8;
  p.low_frequency_factor = 1;
  p.high_frequency_factor = 4;
  p.original_max_positions = 8192;
  ASSERT_EQ(wl_rope_table(&p, nullptr), WL_STATUS_OK);
  EXPECT_NEAR(sin.get(1, 0), std::sin(1.0), 1e-7);
  EXPECT_NEAR(sin.get(1, 63), std::pow(500000.0, -126.0 / 128) / 8, 1e-12);
}

TEST(RopeTable, RoundedFrequencies) {
  Matrix cos(WL_DTYPE_FLOAT32, 300, 31), sin(WL_DTYPE_FLOAT32, 300, 31), exact(WL_DTYPE_FLOAT32, 300, 31);
  wl_rope_table_params p = table_params(WL_ROPE_SCALING_LINEAR, 10000, cos, exact);
  p.factor = 3;
  ASSERT_EQ(wl_rope_table(&p, nullptr), WL_STATUS_OK);
  p.sin = sin.view();
  for (const int32_t dtype : {WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16}) {
    p.frequency_dtype = dtype;
    expect_table(p, cos, sin);
    EXPECT_GT(std::fabs(sin.get(299, 0) - exact.get(299, 0)), 1e-3) << "rounding changes far angles";
  }
  p.frequency_dtype = WL_DTYPE_INT32;
  EXPECT_EQ(wl_rope_table(&p, nullptr), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(),
               "wl_rope_table: frequency_dtype is 4; must be 0, float16 (2) or bfloat16 (3)");
}

TEST(RopeTable, FarPositions) {
  Matrix cos(WL_DTYPE_FLOAT32, 131072, 2), sin(WL_DTYPE_FLOAT32, 131072, 2);
  expect_table(table_params(WL_ROPE_SCALING_NONE, 10000, cos, sin), cos, sin);
}
#endif

// ---- the rotation

enum class Mutant { kNone, kSignSwapped, kPositionOffByOne, kOtherPairing, kLastPairMissed };

struct Case {
  int64_t tokens = 9, heads = 3, dimension = 64, pairs = 32;
  bool interleaved = false;
  int32_t x_type = WL_DTYPE_FLOAT32, y_type = WL_DTYPE_FLOAT32;
};

struct Inputs {
  Buffer x, positions;
  Matrix cos, sin;
};

constexpr int64_t kTableRows = 50;

Inputs inputs(const Case& c, uint64_t seed) {
  Random random(seed);
  Inputs in;
  in.x = Buffer::floats(c.x_type, {c.tokens, c.heads, c.dimension},
                        random.normals(c.tokens * c.heads * c.dimension, 3));
  std::vector<int32_t> positions;
  for (int64_t t = 0; t < c.tokens; ++t)
    positions.push_back(static_cast<int32_t>(random.integer(0, kTableRows - 1)));
  if (c.tokens > 1) positions[1] = kTableRows - 1;
  in.positions = Buffer::ints({c.tokens}, positions);
  in.cos = Matrix::of(WL_DTYPE_FLOAT32, kTableRows, c.pairs, random.normals(kTableRows * c.pairs), 2);
  in.sin = Matrix::of(WL_DTYPE_FLOAT32, kTableRows, c.pairs, random.normals(kTableRows * c.pairs), 5);
  return in;
}

template <class Real>
std::vector<double> formula(const Case& c, const Inputs& in, Mutant mutant = Mutant::kNone) {
  std::vector<double> y = in.x.values();
  const bool interleaved = c.interleaved != (mutant == Mutant::kOtherPairing);
  const int64_t pairs = mutant == Mutant::kLastPairMissed ? c.pairs - 1 : c.pairs;
  for (int64_t row = 0; row < c.tokens * c.heads; ++row) {
    int64_t position = static_cast<int64_t>(in.positions.get(row / c.heads));
    if (mutant == Mutant::kPositionOffByOne) position = (position + 1) % kTableRows;
    for (int64_t i = 0; i < pairs; ++i) {
      const auto first = static_cast<size_t>(row * c.dimension + (interleaved ? 2 * i : i));
      const auto second = static_cast<size_t>(row * c.dimension + (interleaved ? 2 * i + 1 : i + c.pairs));
      const Real a = static_cast<Real>(y[first]), b = static_cast<Real>(y[second]);
      const Real cos = static_cast<Real>(in.cos.get(position, i));
      const Real sin = static_cast<Real>(in.sin.get(position, i)) *
                       static_cast<Real>(mutant == Mutant::kSignSwapped ? -1 : 1);
      y[first] = static_cast<double>(a * cos - b * sin);
      y[second] = static_cast<double>(b * cos + a * sin);
    }
  }
  return y;
}

std::vector<double> plain(const Case& c, const Inputs& in, Mutant mutant = Mutant::kNone) {
  std::vector<double> y = formula<float>(c, in, mutant);
  for (double& value : y) value = round_to(c.y_type, value);
  return y;
}

wl_rope_params params_of(const Case& c, const Inputs& in, const wl_tensor& y) {
  wl_rope_params p{};
  p.struct_size = sizeof p;
  p.flags = c.interleaved ? WL_ROPE_INTERLEAVED : 0;
  p.x = in.x.view();
  p.y = y;
  p.positions = in.positions.view();
  p.cos = in.cos.view();
  p.sin = in.sin.view();
  return p;
}

void expect_rope(const Case& c, uint64_t seed) {
  SCOPED_TRACE(std::string(dtype_name(c.x_type)) + " to " + dtype_name(c.y_type) + " d " +
               std::to_string(c.dimension) + " pairs " + std::to_string(c.pairs) +
               (c.interleaved ? " interleaved" : ""));
  const Inputs in = inputs(c, seed);
  Buffer y(c.y_type, {c.tokens, c.heads, c.dimension});
  const wl_rope_params p = params_of(c, in, y.view());
  const std::vector<double> exact = formula<double>(c, in);
  for_each_setting(
      [&] {
        y.poison();
        ASSERT_EQ(wl_rope(&p, nullptr), WL_STATUS_OK) << wl_last_error();
      },
      [&] { return y.bytes(); },
      [&] {
        EXPECT_TRUE(within_tolerance(y.values(), exact, plain(c, in), c.dimension, c.y_type));
        EXPECT_TRUE(y.guards_intact());
      });
  // In place gives the same.
  if (c.x_type != c.y_type) return;
  const wl_rope_params again = params_of(c, in, in.x.view());
  ASSERT_EQ(wl_rope(&again, nullptr), WL_STATUS_OK);
  EXPECT_EQ(in.x.bytes(), y.bytes());
}

TEST(Rope, EveryTypeAndSize) {
  uint64_t seed = 1;
  for (const int32_t x_type : kFloatTypes) {
    for (const int32_t y_type : {x_type, static_cast<int32_t>(WL_DTYPE_FLOAT32)}) {
      for (const bool interleaved : {false, true}) {
        // {dimension, pairs}: whole, partial, odd, none, longer than the kernel's chunk.
        for (const auto& [dimension, pairs] :
             {std::pair{2, 1}, std::pair{64, 32}, std::pair{64, 16}, std::pair{35, 15}, std::pair{33, 16},
              std::pair{40, 17}, std::pair{63, 31}, std::pair{7, 0}, std::pair{600, 261}}) {
          Case c;
          c.x_type = x_type;
          c.y_type = y_type;
          c.interleaved = interleaved;
          c.dimension = dimension;
          c.pairs = pairs;
          expect_rope(c, seed++);
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(Rope, ManyTokensAreSharedByTheThreads) {
  Case c;
  c.tokens = 700;
  c.heads = 5;
  expect_rope(c, 77);
}

TEST(Rope, FreeStrides) {
  Case c;
  const Inputs in = inputs(c, 5);
  // y lies heads first: [H, T, d].
  const Buffer y(WL_DTYPE_FLOAT32, {c.heads, c.tokens, c.dimension});
  wl_tensor view = in.x.view();
  view.data = y.view().data;
  view.strides[0] = c.dimension;
  view.strides[1] = c.tokens * c.dimension;
  const wl_rope_params p = params_of(c, in, view);
  ASSERT_EQ(wl_rope(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  const std::vector<double> exact = formula<double>(c, in);
  for (int64_t t = 0; t < c.tokens; ++t) {
    for (int64_t h = 0; h < c.heads; ++h) {
      for (int64_t d = 0; d < c.dimension; ++d) {
        ASSERT_NEAR(y.get((h * c.tokens + t) * c.dimension + d),
                    exact[static_cast<size_t>((t * c.heads + h) * c.dimension + d)], 1e-5);
      }
    }
  }
}

TEST(Rope, TheToleranceSeesMutants) {
  Case c;
  c.x_type = c.y_type = WL_DTYPE_BFLOAT16;
  const Inputs in = inputs(c, 6);
  const std::vector<double> exact = formula<double>(c, in);
  EXPECT_TRUE(within_tolerance(plain(c, in), exact, plain(c, in), c.dimension, c.y_type));
  for (const Mutant mutant :
       {Mutant::kSignSwapped, Mutant::kPositionOffByOne, Mutant::kOtherPairing, Mutant::kLastPairMissed}) {
    EXPECT_FALSE(within_tolerance(plain(c, in, mutant), exact, plain(c, in), c.dimension, c.y_type))
        << static_cast<int>(mutant);
  }
}

TEST(Rope, NoTokens) {
  Case c;
  c.tokens = 0;
  const Inputs in = inputs(c, 1);
  const wl_rope_params p = params_of(c, in, in.x.view());
  EXPECT_EQ(wl_rope(&p, nullptr), WL_STATUS_OK) << wl_last_error();
}

}  // namespace
}  // namespace wl::test
