// wl_activation, wl_softmax, wl_embedding and wl_pool against their formulas in double precision.
#include <gtest/gtest.h>
#include <warpline/elementwise.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "support/matrix.h"
#include "support/tolerance.h"

namespace wl::test {
namespace {

constexpr int64_t kSizes[] = {1, 15, 16, 17, 31, 4097};

std::vector<double> rounded(std::vector<double> values, int32_t dtype) {
  for (double& value : values) value = round_to(dtype, value);
  return values;
}

// Types of y: that of x, and float32.
std::vector<int32_t> output_types(int32_t x_type) {
  if (x_type == WL_DTYPE_FLOAT32) return {x_type};
  return {x_type, WL_DTYPE_FLOAT32};
}

// ---- activation

template <class Real>
Real activate(int32_t activation, Real x) {
  switch (activation) {
    case WL_ACTIVATION_GELU:
      return x / 2 * (1 + std::erf(x / std::sqrt(Real(2))));
    case WL_ACTIVATION_GELU_TANH: {
      const Real u = std::sqrt(Real(2) / static_cast<Real>(M_PI)) * (x + Real(0.044715) * x * x * x);
      return x / 2 * (1 + std::tanh(u));
    }
    case WL_ACTIVATION_SILU:
      return x / (1 + std::exp(-x));
    case WL_ACTIVATION_RELU:
      return std::max(x, Real(0));
    default:
      return x;
  }
}

template <class Real>
std::vector<double> activation_formula(int32_t activation, const Matrix& x, const Matrix& up) {
  std::vector<double> y;
  for (int64_t r = 0; r < x.rows(); ++r) {
    for (int64_t c = 0; c < x.columns(); ++c) {
      Real value = activate<Real>(activation, static_cast<Real>(x.get(r, c)));
      if (up.dtype() != WL_DTYPE_NONE) value *= static_cast<Real>(up.get(r, c));
      y.push_back(static_cast<double>(value));
    }
  }
  return y;
}

wl_activation_params activation_params(int32_t activation, const Matrix& x, const Matrix& up,
                                       const wl_tensor& y) {
  wl_activation_params p{};
  p.struct_size = sizeof p;
  p.activation = activation;
  p.x = x.view();
  if (up.dtype() != WL_DTYPE_NONE) p.up = up.view();
  p.y = y;
  return p;
}

void expect_activation(int32_t activation, const Matrix& x, const Matrix& up, int32_t y_type) {
  Matrix y(y_type, x.rows(), x.columns(), 5);
  const wl_activation_params p = activation_params(activation, x, up, y.view());
  const auto exact = activation_formula<double>(activation, x, up);
  const auto plain = rounded(activation_formula<float>(activation, x, up), y_type);
  for_each_setting(
      [&] {
        y.poison();
        ASSERT_EQ(wl_activation(&p, nullptr), WL_STATUS_OK) << wl_last_error();
      },
      [&] { return y.bytes(); },
      [&] {
        EXPECT_TRUE(within_tolerance(y.values(), exact, plain, x.columns(), y_type));
        EXPECT_TRUE(y.intact());
      });
}

TEST(Activation, EveryKindTypeAndSize) {
  Random random(21);
  for (int32_t activation = WL_ACTIVATION_NONE; activation <= WL_ACTIVATION_RELU; ++activation) {
    for (const int32_t type : kFloatTypes) {
      for (const int64_t columns : kSizes) {
        SCOPED_TRACE("activation " + std::to_string(activation) + " " + dtype_name(type) + " columns " +
                     std::to_string(columns));
        const Matrix x = Matrix::of(type, 19, columns, random.normals(19 * columns, 4), 2);
        const Matrix up = Matrix::of(type, 19, columns, random.normals(19 * columns, 2), 1);
        for (const int32_t y_type : output_types(type)) {
          expect_activation(activation, x, Matrix(), y_type);
          expect_activation(activation, x, up, y_type);
        }
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Activation, FarArgumentsGiveTheLimits) {
  const double infinity = INFINITY;
  const Matrix x = Matrix::of(WL_DTYPE_FLOAT32, 1, 5, {1e4, -1e4, infinity, NAN, 0});
  Matrix y(WL_DTYPE_FLOAT32, 1, 5);
  for (const int32_t activation : {WL_ACTIVATION_GELU, WL_ACTIVATION_GELU_TANH, WL_ACTIVATION_SILU}) {
    const wl_activation_params p = activation_params(activation, x, Matrix(), y.view());
    ASSERT_EQ(wl_activation(&p, nullptr), WL_STATUS_OK);
    EXPECT_EQ(y.get(0, 0), 1e4);
    EXPECT_EQ(y.get(0, 1), 0);
    EXPECT_EQ(y.get(0, 2), infinity);
    EXPECT_TRUE(std::isnan(y.get(0, 3)));
    EXPECT_EQ(y.get(0, 4), 0);
  }
}

TEST(Activation, TheOutputMayBeAnInput) {
  Random random(22);
  for (const bool into_up : {false, true}) {
    Matrix x = Matrix::of(WL_DTYPE_BFLOAT16, 3, 700, random.normals(2100));
    Matrix up = Matrix::of(WL_DTYPE_BFLOAT16, 3, 700, random.normals(2100));
    const auto exact = activation_formula<double>(WL_ACTIVATION_SILU, x, up);
    const auto plain = rounded(activation_formula<float>(WL_ACTIVATION_SILU, x, up), WL_DTYPE_BFLOAT16);
    const Matrix& y = into_up ? up : x;
    const wl_activation_params p = activation_params(WL_ACTIVATION_SILU, x, up, y.view());
    ASSERT_EQ(wl_activation(&p, nullptr), WL_STATUS_OK);
    EXPECT_TRUE(within_tolerance(y.values(), exact, plain, 700, WL_DTYPE_BFLOAT16));
  }
}

// ---- softmax

enum class Mutant { kNone, kLastElementMissed, kScaled, kMaximumKept };

template <class Real>
std::vector<double> softmax_formula(const Matrix& x, bool logarithm, Mutant mutant = Mutant::kNone) {
  std::vector<double> y;
  for (int64_t r = 0; r < x.rows(); ++r) {
    Real largest = -INFINITY, sum = 0;
    for (int64_t c = 0; c < x.columns(); ++c) largest = std::max(largest, static_cast<Real>(x.get(r, c)));
    if (largest == static_cast<Real>(-INFINITY) || mutant == Mutant::kMaximumKept) largest = 0;
    const int64_t counted = mutant == Mutant::kLastElementMissed ? x.columns() - 1 : x.columns();
    for (int64_t c = 0; c < counted; ++c) sum += std::exp(static_cast<Real>(x.get(r, c)) - largest);
    if (mutant == Mutant::kScaled) sum *= static_cast<Real>(1.02);
    for (int64_t c = 0; c < x.columns(); ++c) {
      const Real difference = static_cast<Real>(x.get(r, c)) - largest;
      const Real log_sum = sum == 0 ? Real(0) : std::log(sum);
      const Real value = logarithm ? difference - log_sum : sum == 0 ? Real(0) : std::exp(difference) / sum;
      y.push_back(static_cast<double>(value));
    }
  }
  return y;
}

wl_softmax_params softmax_params(const Matrix& x, const wl_tensor& y, bool logarithm) {
  wl_softmax_params p{};
  p.struct_size = sizeof p;
  p.flags = logarithm ? WL_SOFTMAX_LOG : 0;
  p.x = x.view();
  p.y = y;
  return p;
}

void expect_softmax(const Matrix& x, int32_t y_type, bool logarithm) {
  SCOPED_TRACE(std::string(dtype_name(x.dtype())) + " columns " + std::to_string(x.columns()) +
               (logarithm ? " log" : ""));
  Matrix y(y_type, x.rows(), x.columns(), 3);
  const wl_softmax_params p = softmax_params(x, y.view(), logarithm);
  const auto exact = softmax_formula<double>(x, logarithm);
  const auto plain = rounded(softmax_formula<float>(x, logarithm), y_type);
  for_each_setting(
      [&] {
        y.poison();
        ASSERT_EQ(wl_softmax(&p, nullptr), WL_STATUS_OK) << wl_last_error();
      },
      [&] { return y.bytes(); },
      [&] {
        EXPECT_TRUE(within_tolerance(y.values(), exact, plain, x.columns(), y_type));
        EXPECT_TRUE(y.intact());
      });
}

TEST(Softmax, EveryTypeAndSizeWithMaskedElements) {
  Random random(31);
  for (const int32_t type : kFloatTypes) {
    for (const int64_t columns : kSizes) {
      Matrix x = Matrix::of(type, 21, columns, random.normals(21 * columns, 6), 4);
      for (int64_t r = 0; r < 21; r += 3) {
        for (int64_t c = r % 2; c < columns; c += 2) x.set(r, c, -INFINITY);
      }
      for (int64_t c = 0; c < columns; ++c) x.set(20, c, -INFINITY);  // nothing left
      for (const int32_t y_type : output_types(type)) {
        expect_softmax(x, y_type, false);
        expect_softmax(x, y_type, true);
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Softmax, OneDominatingElementAndHugeValues) {
  Matrix x = Matrix::of(WL_DTYPE_FLOAT32, 2, 33, std::vector<double>(66, -3e38));
  x.set(0, 32, 3e38);
  for (int64_t c = 0; c < 33; ++c) x.set(1, c, 1e30);
  expect_softmax(x, WL_DTYPE_FLOAT32, false);
  Matrix y(WL_DTYPE_FLOAT32, 2, 33);
  const wl_softmax_params p = softmax_params(x, y.view(), false);
  ASSERT_EQ(wl_softmax(&p, nullptr), WL_STATUS_OK);
  EXPECT_EQ(y.get(0, 32), 1);
  EXPECT_EQ(y.get(0, 0), 0);
}

TEST(Softmax, NaNStaysInItsRow) {
  Matrix x = Matrix::of(WL_DTYPE_FLOAT32, 2, 20, std::vector<double>(40, 1));
  x.set(0, 7, NAN);
  Matrix y(WL_DTYPE_FLOAT32, 2, 20);
  const wl_softmax_params p = softmax_params(x, y.view(), false);
  ASSERT_EQ(wl_softmax(&p, nullptr), WL_STATUS_OK);
  for (int64_t c = 0; c < 20; ++c) {
    EXPECT_TRUE(std::isnan(y.get(0, c)));
    EXPECT_NEAR(y.get(1, c), 0.05, 1e-8);
  }
}

TEST(Softmax, TheOutputMayBeTheInputAndARowStandsAlone) {
  Random random(32);
  Matrix x = Matrix::of(WL_DTYPE_FLOAT16, 50, 301, random.normals(50 * 301, 5));
  Matrix last = Matrix::of(WL_DTYPE_FLOAT16, 1, 301, std::vector<double>(301, 0));
  for (int64_t c = 0; c < 301; ++c) last.set(0, c, x.get(49, c));
  for (Matrix* m : {&x, &last}) {
    const wl_softmax_params p = softmax_params(*m, m->view(), false);
    ASSERT_EQ(wl_softmax(&p, nullptr), WL_STATUS_OK);
  }
  for (int64_t c = 0; c < 301; ++c) EXPECT_EQ(x.get(49, c), last.get(0, c));
}

TEST(Softmax, TheToleranceSeesMutants) {
  Random random(33);
  Matrix x = Matrix::of(WL_DTYPE_BFLOAT16, 9, 40, random.normals(360, 3));
  for (int64_t r = 0; r < 9; ++r) x.set(r, 39, 8);    // what a missed tail would lose
  for (int64_t c = 0; c < 40; ++c) x.set(4, c, 300);  // what needs the maximum taken off
  const auto exact = softmax_formula<double>(x, false);
  const auto plain = rounded(softmax_formula<float>(x, false), WL_DTYPE_BFLOAT16);
  EXPECT_TRUE(within_tolerance(plain, exact, plain, 40, WL_DTYPE_BFLOAT16));
  for (const Mutant mutant : {Mutant::kLastElementMissed, Mutant::kScaled, Mutant::kMaximumKept}) {
    const auto wrong = rounded(softmax_formula<float>(x, false, mutant), WL_DTYPE_BFLOAT16);
    EXPECT_FALSE(within_tolerance(wrong, exact, plain, 40, WL_DTYPE_BFLOAT16)) << static_cast<int>(mutant);
  }
}

// ---- embedding

TEST(Embedding, EveryPairOfTypesIsConvertedExactly) {
  Random random(41);
  constexpr int64_t kTokens = 120, kVocabulary = 33;
  for (const int32_t table_type : kFloatTypes) {
    for (const int32_t y_type : kFloatTypes) {
      for (const int64_t columns : kSizes) {
        SCOPED_TRACE(std::string(dtype_name(table_type)) + " to " + dtype_name(y_type));
        const Matrix table =
            Matrix::of(table_type, kVocabulary, columns, random.normals(kVocabulary * columns, 100), 7);
        std::vector<int32_t> ids(kTokens);
        for (int32_t& id : ids) id = static_cast<int32_t>(random.integer(0, kVocabulary - 1));
        ids[0] = kVocabulary - 1;
        const Buffer id_buffer = Buffer::ints({kTokens}, ids);
        Matrix y(y_type, kTokens, columns, 1);
        wl_embedding_params p{};
        p.struct_size = sizeof p;
        p.table = table.view();
        p.ids = id_buffer.view();
        p.y = y.view();
        for_each_setting(
            [&] {
              y.poison();
              ASSERT_EQ(wl_embedding(&p, nullptr), WL_STATUS_OK) << wl_last_error();
            },
            [&] { return y.bytes(); },
            [&] {
              for (int64_t t = 0; t < kTokens; ++t) {
                for (int64_t c = 0; c < columns; ++c)
                  ASSERT_EQ(y.get(t, c), round_to(y_type, table.get(ids[static_cast<size_t>(t)], c)));
              }
              EXPECT_TRUE(y.intact());
            });
        if (HasFailure()) return;
      }
    }
  }
}

// ---- pool

std::vector<double> pool_formula(int32_t kind, bool normalize, const Matrix& x,
                                 const std::vector<int32_t>& offsets) {
  std::vector<double> y;
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    std::vector<double> row(static_cast<size_t>(x.columns()), 0);
    const int64_t begin = offsets[b], end = offsets[b + 1];
    for (int64_t c = 0; c < x.columns() && begin < end; ++c) {
      double value = kind == WL_POOL_LAST ? x.get(end - 1, c) : x.get(begin, c);
      for (int64_t t = begin + 1; t < end; ++t) {
        if (kind == WL_POOL_MEAN) value += x.get(t, c);
        if (kind == WL_POOL_MAX) value = std::max(value, x.get(t, c));
      }
      row[static_cast<size_t>(c)] = kind == WL_POOL_MEAN ? value / static_cast<double>(end - begin) : value;
    }
    double squares = 0;
    for (const double value : row) squares += value * value;
    for (const double value : row)
      y.push_back(normalize ? value / std::max(std::sqrt(squares), 1e-12) : value);
  }
  return y;
}

TEST(Pool, EveryKindTypeAndSize) {
  Random random(51);
  const std::vector<int32_t> offsets = {2, 2, 3, 20, 20, 60, 99};
  const Buffer offset_buffer = Buffer::ints({7}, offsets);
  for (int32_t kind = WL_POOL_MEAN; kind <= WL_POOL_MAX; ++kind) {
    for (const int32_t type : kFloatTypes) {
      for (const int64_t columns : {1, 15, 16, 17, 31, 1025}) {
        const Matrix x = Matrix::of(type, 100, columns, random.normals(100 * columns, 3), 2);
        for (const int32_t y_type : output_types(type)) {
          for (const bool normalize : {false, true}) {
            SCOPED_TRACE("kind " + std::to_string(kind) + " " + dtype_name(type) + " columns " +
                         std::to_string(columns));
            Matrix y(y_type, 6, columns, 1);
            wl_pool_params p{};
            p.struct_size = sizeof p;
            p.kind = kind;
            p.flags = normalize ? WL_POOL_NORMALIZE : 0;
            p.x = x.view();
            p.cu_seqlens = offset_buffer.view();
            p.y = y.view();
            const auto exact = pool_formula(kind, normalize, x, offsets);
            for_each_setting(
                [&] {
                  y.poison();
                  ASSERT_EQ(wl_pool(&p, nullptr), WL_STATUS_OK) << wl_last_error();
                },
                [&] { return y.bytes(); },
                [&] {
                  EXPECT_TRUE(within_tolerance(y.values(), exact, rounded(exact, y_type), columns, y_type));
                  EXPECT_TRUE(y.intact());
                });
            if (HasFailure()) return;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace wl::test
