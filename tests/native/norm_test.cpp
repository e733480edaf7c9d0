// wl_norm against the formula in double precision.
#include <gtest/gtest.h>
#include <warpline/elementwise.h>

#include <cmath>
#include <string>

#include "support/matrix.h"
#include "support/tolerance.h"

namespace wl::test {
namespace {

// What a defective kernel would do: the tolerance must tell it from a correct one.
enum class Mutant { kNone, kLastElementMissed, kScaled, kWeightShifted, kEpsilonDropped };

struct Case {
  int32_t kind = WL_NORM_RMS;
  int64_t rows = 5, columns = 64;
  int32_t x_type = WL_DTYPE_FLOAT32, weight_type = WL_DTYPE_FLOAT32, y_type = WL_DTYPE_FLOAT32;
  bool zero_centered = false, residual = false, weight = true, bias = false;
  double mean = 0, scale = 3;
  float epsilon = 1e-5f;
  int64_t gap = 3;
};

struct Inputs {
  Matrix x, residual;
  Buffer weight, bias;
};

Inputs inputs(const Case& c, uint64_t seed) {
  Random random(seed);
  Inputs in;
  std::vector<double> values = random.normals(c.rows * c.columns, c.scale);
  for (double& value : values) value += c.mean;
  // The last element dominates the first row: leaving it out cannot hide.
  if (c.rows > 0 && c.columns > 1) values[static_cast<size_t>(c.columns - 1)] = 50 * c.scale;
  in.x = Matrix::of(c.x_type, c.rows, c.columns, values, c.gap);
  if (c.residual) {
    in.residual =
        Matrix::of(c.x_type, c.rows, c.columns, random.normals(c.rows * c.columns, c.scale), c.gap + 2);
  }
  if (c.weight) in.weight = Buffer::floats(c.weight_type, {c.columns}, random.normals(c.columns));
  if (c.bias) in.bias = Buffer::floats(c.weight_type, {c.columns}, random.normals(c.columns));
  return in;
}

struct Expected {
  std::vector<double> y, residual_out;
};

template <class Real>
Expected formula(const Case& c, const Inputs& in, Mutant mutant = Mutant::kNone) {
  Expected e;
  const int64_t n = c.columns;
  for (int64_t r = 0; r < c.rows; ++r) {
    std::vector<Real> h(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      h[static_cast<size_t>(i)] = static_cast<Real>(in.x.get(r, i));
      if (c.residual) h[static_cast<size_t>(i)] += static_cast<Real>(in.residual.get(r, i));
      e.residual_out.push_back(static_cast<double>(h[static_cast<size_t>(i)]));
    }
    const int64_t counted = mutant == Mutant::kLastElementMissed ? n - 1 : n;
    Real mean = 0, squares = 0;
    if (c.kind == WL_NORM_LAYER) {
      for (int64_t i = 0; i < counted; ++i) mean += h[static_cast<size_t>(i)];
      mean /= static_cast<Real>(n);
    }
    for (int64_t i = 0; i < counted; ++i) {
      const Real d = h[static_cast<size_t>(i)] - mean;
      squares += d * d;
    }
    const Real epsilon = mutant == Mutant::kEpsilonDropped ? Real(0) : static_cast<Real>(c.epsilon);
    Real root = std::sqrt(squares / static_cast<Real>(n) + epsilon);
    if (mutant == Mutant::kScaled) root *= static_cast<Real>(1.02);
    for (int64_t i = 0; i < n; ++i) {
      Real value = (h[static_cast<size_t>(i)] - mean) / root;
      const int64_t at = mutant == Mutant::kWeightShifted ? (i + 1) % n : i;
      if (c.weight)
        value *= static_cast<Real>(in.weight.get(at)) + static_cast<Real>(c.zero_centered ? 1 : 0);
      if (c.bias) value += static_cast<Real>(in.bias.get(i));
      e.y.push_back(static_cast<double>(value));
    }
  }
  return e;
}

std::vector<double> rounded(std::vector<double> values, int32_t dtype) {
  for (double& value : values) value = round_to(dtype, value);
  return values;
}

wl_norm_params params_of(const Case& c, const Inputs& in) {
  wl_norm_params p{};
  p.struct_size = sizeof p;
  p.kind = c.kind;
  p.flags = c.zero_centered ? WL_NORM_ZERO_CENTERED : 0;
  p.epsilon = c.epsilon;
  p.x = in.x.view();
  if (c.residual) p.residual = in.residual.view();
  p.weight = in.weight.view();
  p.bias = in.bias.view();
  return p;
}

void expect_norm(const Case& c, uint64_t seed) {
  SCOPED_TRACE("kind " + std::to_string(c.kind) + " rows " + std::to_string(c.rows) + " columns " +
               std::to_string(c.columns) + " x " + dtype_name(c.x_type) + " weight " +
               dtype_name(c.weight_type) + " y " + dtype_name(c.y_type));
  const Inputs in = inputs(c, seed);
  Matrix y(c.y_type, c.rows, c.columns, c.gap), sum(c.y_type, c.rows, c.columns, 1);
  wl_norm_params p = params_of(c, in);
  p.y = y.view();
  if (c.residual) p.residual_out = sum.view();
  const Expected exact = formula<double>(c, in), plain = formula<float>(c, in);
  for_each_setting(
      [&] {
        y.poison();
        ASSERT_EQ(wl_norm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
      },
      [&] { return y.bytes(); },
      [&] {
        EXPECT_TRUE(within_tolerance(y.values(), exact.y, rounded(plain.y, c.y_type), c.columns, c.y_type));
        EXPECT_TRUE(y.intact() && sum.intact() && in.x.intact());
        if (c.residual) {
          EXPECT_EQ(sum.values(), rounded(rounded(exact.residual_out, WL_DTYPE_FLOAT32), c.y_type));
        }
      });
}

TEST(Norm, EveryTypeAndSize) {
  uint64_t seed = 1;
  for (const int32_t kind : {WL_NORM_RMS, WL_NORM_LAYER}) {
    for (const int64_t columns : {1, 15, 16, 17, 31, 4097}) {
      for (const int32_t x_type : kFloatTypes) {
        for (const int32_t weight_type : kFloatTypes) {
          if (!combined(x_type, weight_type)) continue;
          for (const int32_t y_type : {x_type, static_cast<int32_t>(WL_DTYPE_FLOAT32)}) {
            Case c;
            c.kind = kind;
            c.columns = columns;
            c.x_type = x_type;
            c.weight_type = weight_type;
            c.y_type = y_type;
            c.residual = seed % 2 == 0;
            c.zero_centered = seed % 3 == 0;
            c.bias = kind == WL_NORM_LAYER && seed % 4 != 0;
            c.weight = seed % 5 != 0;
            expect_norm(c, seed++);
            if (HasFailure()) return;
          }
        }
      }
    }
  }
}

TEST(Norm, ManyRowsAreSharedByTheThreads) {
  for (const int32_t kind : {WL_NORM_RMS, WL_NORM_LAYER}) {
    Case c;
    c.kind = kind;
    c.rows = 600;
    c.columns = 257;
    c.residual = true;
    expect_norm(c, 99);
  }
}

TEST(Norm, AMeanFarFromZeroAndValuesWhoseSquaresOverflow) {
  Case c;
  c.kind = WL_NORM_LAYER;
  c.columns = 1000;
  c.mean = 3000;
  c.scale = 0.5;
  expect_norm(c, 5);
  // In float32 the squares would be infinite.
  Matrix x = Matrix::of(WL_DTYPE_FLOAT32, 1, 4, {1e30, -1e30, 1e30, 1e30}), y(WL_DTYPE_FLOAT32, 1, 4);
  wl_norm_params p{};
  p.struct_size = sizeof p;
  p.kind = WL_NORM_RMS;
  p.x = x.view();
  p.y = y.view();
  ASSERT_EQ(wl_norm(&p, nullptr), WL_STATUS_OK);
  EXPECT_EQ(y.values(), (std::vector<double>{1, -1, 1, 1}));
}

TEST(Norm, TheToleranceSeesMutants) {
  for (const int32_t kind : {WL_NORM_RMS, WL_NORM_LAYER}) {
    Case c;
    c.kind = kind;
    c.x_type = c.weight_type = c.y_type = WL_DTYPE_BFLOAT16;
    c.scale = 1;
    c.epsilon = 0.1f;
    const Inputs in = inputs(c, 7);
    const std::vector<double> exact = formula<double>(c, in).y;
    const std::vector<double> plain = rounded(formula<float>(c, in).y, c.y_type);
    EXPECT_TRUE(within_tolerance(plain, exact, plain, c.columns, c.y_type));
    for (const Mutant mutant :
         {Mutant::kLastElementMissed, Mutant::kScaled, Mutant::kWeightShifted, Mutant::kEpsilonDropped}) {
      const std::vector<double> wrong = rounded(formula<float>(c, in, mutant).y, c.y_type);
      EXPECT_FALSE(within_tolerance(wrong, exact, plain, c.columns, c.y_type)) << static_cast<int>(mutant);
    }
  }
}

TEST(Norm, OutputsMayBeTheInputs) {
  Case c;
  c.residual = true;
  c.rows = 40;
  for (const bool into_x : {true, false}) {
    Inputs in = inputs(c, 11);
    const Expected exact = formula<double>(c, in), plain = formula<float>(c, in);
    wl_norm_params p = params_of(c, in);
    Matrix apart(WL_DTYPE_FLOAT32, c.rows, c.columns);
    p.y = into_x ? apart.view() : in.x.view();
    p.residual_out = into_x ? in.x.view() : in.residual.view();
    ASSERT_EQ(wl_norm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
    const Matrix& y = into_x ? apart : in.x;
    const Matrix& sum = into_x ? in.x : in.residual;
    EXPECT_TRUE(within_tolerance(y.values(), exact.y, plain.y, c.columns, WL_DTYPE_FLOAT32));
    EXPECT_EQ(sum.values(), rounded(exact.residual_out, WL_DTYPE_FLOAT32));
  }
}

TEST(Norm, AnyRankWithFreeStrides) {
  constexpr int64_t kA = 2, kB = 3, kC = 4, kD = 5;
  Random random(3);
  const Buffer x = Buffer::floats(WL_DTYPE_FLOAT32, {kC, kA, kB, kD}, random.normals(kA * kB * kC * kD));
  const Buffer y(WL_DTYPE_FLOAT32, {kA, kB, kC, kD});
  wl_norm_params p{};
  p.struct_size = sizeof p;
  p.kind = WL_NORM_RMS;
  p.y = y.view();
  p.x = p.y;
  p.x.data = x.view().data;
  const int64_t strides[] = {kB * kD, kD, kA * kB * kD, 1};
  for (int axis = 0; axis < 4; ++axis) p.x.strides[axis] = strides[axis];
  ASSERT_EQ(wl_norm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  for (int64_t a = 0; a < kA; ++a) {
    for (int64_t b = 0; b < kB; ++b) {
      for (int64_t c = 0; c < kC; ++c) {
        const int64_t from = a * strides[0] + b * strides[1] + c * strides[2];
        double squares = 0;
        for (int64_t d = 0; d < kD; ++d) squares += x.get(from + d) * x.get(from + d);
        for (int64_t d = 0; d < kD; ++d) {
          EXPECT_NEAR(y.get(((a * kB + b) * kC + c) * kD + d), x.get(from + d) / std::sqrt(squares / kD),
                      1e-6);
        }
      }
    }
  }
}

TEST(Norm, EmptyTensorsAreLegal) {
  for (const auto& [rows, columns] : {std::pair{0, 8}, std::pair{3, 0}}) {
    Case c;
    c.rows = rows;
    c.columns = columns;
    c.weight = false;
    const Inputs in = inputs(c, 1);
    wl_norm_params p = params_of(c, in);
    p.x.data = nullptr;
    p.y = p.x;
    EXPECT_EQ(wl_norm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  }
}

}  // namespace
}  // namespace wl::test
