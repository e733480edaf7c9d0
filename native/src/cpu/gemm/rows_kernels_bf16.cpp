// As rows_kernels.cpp for bfloat16 with bfloat16, by the dot-product instruction of AVX-512 BF16: 32 elements of k
// a step, 4 weight rows x 1 to 4 rows of x. Bound by memory.
#include <hwy/base.h>
#include <immintrin.h>

#include "cpu/gemm/rows_kernels.h"

HWY_PUSH_ATTRIBUTES("avx512f,avx512vl,avx512dq,avx512bw,avx512cd,avx512bf16")

namespace wl::cpu {
namespace {

constexpr int64_t kLanes = 32;

inline __attribute__((always_inline)) __m512bh load(const uint16_t* from) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(from));
}

// The sum of 16 lanes, by halves.
inline __attribute__((always_inline)) float sum_of(__m512 v) {
  const __m256 eight =
      _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, v, 0), _mm512_maskz_extractf32x8_ps(0xff, v, 1));
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

template <int kRows, int kM>
inline __attribute__((always_inline)) void step(__m512 (&sum)[kRows][kM], const uint16_t* x, int64_t x_stride,
                                                const __m512bh* w) {
#pragma GCC unroll 4
  for (int i = 0; i < kM; ++i) {
    const __m512bh column = load(x + i * x_stride);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) sum[r][i] = _mm512_dpbf16_ps(sum[r][i], column, w[r]);
  }
}

template <int kRows, int kM>
void tile(const DotRows& p, int64_t row, int64_t distance, int64_t m) {
  const uint16_t* weight = static_cast<const uint16_t*>(p.weight) + row * p.weight_stride;
  const int64_t stride = distance * p.weight_stride;
  const uint16_t* x = static_cast<const uint16_t*>(p.x) + m * p.x_stride;
  __m512 sum[kRows][kM];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int i = 0; i < kM; ++i) sum[r][i] = _mm512_setzero_ps();
  }
  __m512bh w[kRows];
  int64_t k = 0;
  for (; k + kLanes <= p.k; k += kLanes) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const uint16_t* from = weight + r * stride + k;
      w[r] = load(from);
    }
    step<kRows, kM>(sum, x + k, p.x_stride, w);
  }
  if (k < p.k) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const auto mask = static_cast<__mmask32>(0xffffffffu >> (kLanes - (p.k - k)));
      w[r] = reinterpret_cast<__m512bh>(_mm512_maskz_loadu_epi16(mask, weight + r * stride + k));
    }
    step<kRows, kM>(sum, x + k, p.x_stride, w);
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int i = 0; i < kM; ++i) p.out[(m + i) * p.out_stride + row + r * distance] = sum_of(sum[r][i]);
  }
}

struct Tile {
  const DotRows& p;

  template <int kRows, int kM>
  void run(int64_t row, int64_t distance, int64_t m) const {
    tile<kRows, kM>(p, row, distance, m);
  }
};

}  // namespace
}  // namespace wl::cpu

HWY_POP_ATTRIBUTES

namespace wl::cpu {

void dot_rows_bfloat16(const DotRows& p) { for_each_tile(p, Tile{p}); }

}  // namespace wl::cpu
