// Register-tile products in float32: C[rows x 32] += A[rows x k] B[k x 32].
//
// Tile: AVX-512 12 rows x 2 vectors of 16 columns (24 sums of 32 registers), AVX2 6 rows x 2 vectors of 8 columns
// (12 sums of 16 registers; a panel of 16 columns is one tile wide). A step of k loads the vectors of B once,
// broadcasts one element of A a row and multiplies it into both. Bound by the multiply-add units: 24 of them
// for 14 loads. 12 rows are as many lines as one cache set holds, so that rows a power of two apart do no harm.
#include "cpu/product.h"

#include "cpu/product_sweep.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/product.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format off
#include "cpu/simd-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {
namespace {

constexpr int kLanes = HWY_TARGET == HWY_AVX2 ? 8 : 16;
constexpr int kRows = HWY_TARGET == HWY_AVX2 ? 6 : 12;

// kVectors vectors of columns side by side; on AVX2 two of them are one panel.
template <int kTileRows, int kVectors>
HWY_INLINE void block(const float* HWY_RESTRICT a, int64_t lda, const float* HWY_RESTRICT b,
                      int64_t vector_stride, float* HWY_RESTRICT c, int64_t ldc, int64_t columns, int64_t k,
                      bool accumulate) {
  const F32 d;
  VF sum[kTileRows][kVectors];
  const bool whole = columns == kVectors * kLanes;
  const auto last = hn::FirstN(d, static_cast<size_t>(columns - (kVectors - 1) * kLanes));
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  if (accumulate) {
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        const float* at = c + r * ldc + v * kLanes;
        sum[r][v] = whole || v + 1 < kVectors ? hn::LoadU(d, at) : hn::MaskedLoad(last, d, at);
      }
    }
  }
  for (int64_t i = 0; i < k; ++i) {
    VF column[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) column[v] = hn::LoadU(d, b + v * vector_stride);
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r) {
      const VF element = hn::Set(d, a[r * lda]);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(element, column[v], sum[r][v]);
    }
    b += kPanel;
    ++a;
  }
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      float* at = c + r * ldc + v * kLanes;
      if (whole || v + 1 < kVectors) {
        hn::StoreU(sum[r][v], d, at);
      } else {
        hn::BlendedStore(sum[r][v], last, d, at);
      }
    }
  }
}

template <int kTileRows, int kPanels>
void tile(const float* a, int64_t lda, const float* panels, int64_t panel_stride, float* c, int64_t ldc,
          int64_t columns, int64_t k, bool accumulate) {
  if constexpr (kLanes == kPanel) {
    block<kTileRows, kPanels>(a, lda, panels, panel_stride, c, ldc, columns, k, accumulate);
  } else {
    for (int64_t column = 0; column < columns; column += kPanel, panels += panel_stride) {
      const int64_t width = columns - column < kPanel ? columns - column : kPanel;
      if (width > kLanes) {
        block<kTileRows, 2>(a, lda, panels, kLanes, c + column, ldc, width, k, accumulate);
      } else {
        block<kTileRows, 1>(a, lda, panels, kLanes, c + column, ldc, width, k, accumulate);
      }
    }
  }
}

template <int... kIndex>
constexpr TileTable<float, kRows> make_table(std::integer_sequence<int, kIndex...>) {
  return {{{&tile<kIndex + 1, 1>...}, {&tile<kIndex + 1, 2>...}}};
}
constexpr TileTable<float, kRows> kTable = make_table(std::make_integer_sequence<int, kRows>());

}  // namespace

void product(const float* a, int64_t lda, const float* panels, int64_t panel_stride, float* c, int64_t ldc,
             int64_t m, int64_t n, int64_t k, bool accumulate) {
  sweep(kTable, a, lda, panels, panel_stride, c, ldc, m, n, k, accumulate);
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

const ProductKernels& product_kernels(Isa isa) {
  static constexpr ProductKernels kernels[] = {
      {&N_AVX2::product, nullptr}, {&N_AVX3::product, nullptr}, {&N_AVX3::product, &product_bfloat16}};
  return kernels[static_cast<int>(isa)];
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
