// Register-tile products in bfloat16 by the dot-product instruction of AVX-512 BF16: C[rows x 32] += A[rows x k]
// B[k x 32], two elements of k a step.
//
// Tile: 12 rows x 2 vectors of 16 columns. A step loads 16 pairs of k from each panel, broadcasts a pair of A for
// each row and dots it into both. Bound by the dot-product units. The instruction takes subnormal numbers for
// zero and rounds each of its two additions to nearest even.
#include <hwy/base.h>
#include <immintrin.h>

#include <cstring>
#include <utility>

#include "cpu/product.h"
#include "cpu/product_sweep.h"

HWY_PUSH_ATTRIBUTES("avx512f,avx512vl,avx512dq,avx512bw,avx512cd,avx512bf16")

namespace wl::cpu {
namespace {

constexpr int kRows = 12;

inline __attribute__((always_inline)) __m512bh load_pairs(const uint16_t* pairs) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(pairs));
}
inline __attribute__((always_inline)) __m512bh broadcast_pair(const uint16_t* pair) {
  int bits;
  std::memcpy(&bits, pair, sizeof bits);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(bits));
}

template <int kTileRows, int kPanels>
void tile(const uint16_t* __restrict__ a, int64_t lda, const uint16_t* __restrict__ b, int64_t panel_stride,
          float* __restrict__ c, int64_t ldc, int64_t columns, int64_t pairs, bool accumulate) {
  __m512 sum[kTileRows][kPanels];
  const auto last = static_cast<__mmask16>(0xffffu >> (kPanels * kPanel - columns));
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) sum[r][p] = _mm512_setzero_ps();
  }
  if (accumulate) {
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) {
        const __mmask16 mask = p + 1 < kPanels ? 0xffff : last;
        sum[r][p] = _mm512_maskz_loadu_ps(mask, c + r * ldc + p * kPanel);
      }
    }
  }
  for (int64_t i = 0; i < pairs; ++i) {
    __m512bh column[kPanels];
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) column[p] = load_pairs(b + p * panel_stride);
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r) {
      const __m512bh pair = broadcast_pair(a + r * lda);
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) sum[r][p] = _mm512_dpbf16_ps(sum[r][p], pair, column[p]);
    }
    b += 2 * kPanel;
    a += 2;
  }
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
      const __mmask16 mask = p + 1 < kPanels ? 0xffff : last;
      _mm512_mask_storeu_ps(c + r * ldc + p * kPanel, mask, sum[r][p]);
    }
  }
}

template <int... kIndex>
constexpr TileTable<uint16_t, kRows> make_table(std::integer_sequence<int, kIndex...>) {
  return {{{&tile<kIndex + 1, 1>...}, {&tile<kIndex + 1, 2>...}}};
}
constexpr TileTable<uint16_t, kRows> kTable = make_table(std::make_integer_sequence<int, kRows>());

}  // namespace
}  // namespace wl::cpu

HWY_POP_ATTRIBUTES

namespace wl::cpu {

void product_bfloat16(const uint16_t* a, int64_t lda, const uint16_t* panels, int64_t panel_stride, float* c,
                      int64_t ldc, int64_t m, int64_t n, int64_t k, bool accumulate) {
  sweep(kTable, a, lda, panels, panel_stride, c, ldc, m, n, pair_count(k), accumulate);
}

}  // namespace wl::cpu
