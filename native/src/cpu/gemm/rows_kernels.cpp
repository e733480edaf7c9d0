// Dot products of up to eight rows of x (float32) with the rows of a plain weight, which are read once, as they
// lie.
//
// Tile: 4 weight rows x 1 to 4 rows of x (AVX2 with 3 or 4 rows: 2 weight rows, twice), one vector of partial sums
// each. A step converts one vector of every weight row and multiplies it with the same columns of every row of x,
// which come from the first or second level cache. Bound by memory.
#include "cpu/gemm/rows_kernels.h"

#include <cstring>

#include "hwy/cache_control.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/gemm/rows_kernels.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format off
#include "cpu/simd-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kLanes = HWY_TARGET == HWY_AVX2 ? 8 : 16;

template <class Type>
constexpr int64_t kSize = std::is_same_v<Type, Float32> ? 4 : 2;

template <class Type, int kRows, int kM>
HWY_INLINE void tile(const DotRows& p, int64_t row, int64_t distance, int64_t m) {
  const F32 d;
  const char* weight = static_cast<const char*>(p.weight) + row * p.weight_stride * kSize<Type>;
  const int64_t stride = distance * p.weight_stride * kSize<Type>;  // bytes
  const float* x = static_cast<const float*>(p.x) + m * p.x_stride;
  VF sum[kRows][kM];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int i = 0; i < kM; ++i) sum[r][i] = hn::Zero(d);
  }
  const auto step = [&](int64_t k, const VF* w) HWY_ATTR {
#pragma GCC unroll 4
    for (int i = 0; i < kM; ++i) {
      const VF column = hn::LoadU(d, x + i * p.x_stride + k);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) sum[r][i] = hn::MulAdd(column, w[r], sum[r][i]);
    }
  };
  VF w[kRows];
  int64_t k = 0;
  for (; k + kLanes <= p.k; k += kLanes) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      w[r] = load(Type(), weight + r * stride, k);
    }
    step(k, w);
  }
  if (k < p.k) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      alignas(64) float rest[kLanes] = {};
      std::memcpy(rest, weight + r * stride + k * kSize<Type>, static_cast<size_t>((p.k - k) * kSize<Type>));
      w[r] = load(Type(), rest, 0);
    }
    step(k, w);
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int i = 0; i < kM; ++i)
      p.out[(m + i) * p.out_stride + row + r * distance] = hn::GetLane(hn::SumOfLanes(d, sum[r][i]));
  }
}

template <class Type>
struct Tile {
  const DotRows& p;

  template <int kRows, int kM>
  void run(int64_t row, int64_t distance, int64_t m) const {
    if constexpr (HWY_TARGET == HWY_AVX2 && kRows == 4 && kM > 2) {
      tile<Type, 2, kM>(p, row, distance, m);
      tile<Type, 2, kM>(p, row + 2 * distance, distance, m);
    } else {
      tile<Type, kRows, kM>(p, row, distance, m);
    }
  }
};

}  // namespace

void dot_rows_on(int32_t dtype, const DotRows& p) {
  if (dtype == WL_DTYPE_FLOAT32) return for_each_tile(p, Tile<Float32>{p});
  if (dtype == WL_DTYPE_BFLOAT16) return for_each_tile(p, Tile<BFloat16>{p});
  return for_each_tile(p, Tile<Float16>{p});
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void dot_rows(Isa isa, int32_t weight_dtype, const DotRows& p) {
  isa >= Isa::kAvx512 ? N_AVX3::dot_rows_on(weight_dtype, p) : N_AVX2::dot_rows_on(weight_dtype, p);
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
