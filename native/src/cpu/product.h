// The register-tile products that gemm and attention share: C[m x n] (+)= A[m x k] B[k x n] on packed panels
// of B.
//
// A is row-major: rows are broadcast element by element (bfloat16: pair by pair), so it needs no packing,
// only rows that do not all map to one cache set. B lies in panels of 16 columns:
//   float32   panel p holds k steps of 16 floats:
//               b[(p * k + i) * 16 + j] = B[i][16 p + j]
//   bfloat16  panel p holds ceil(k/2) steps of 16 pairs of k:
//               b[((p * k2 + i) * 16 + j) * 2 + h] = B[2 i + h][16 p + j]
//
// Columns past n and an odd k are zeros. For each element of C the sum runs over k in order, one fused
// multiply-add (or one dot-product instruction) a step, whatever m, n and the blocking: bits depend on the
// row and the column only.
#pragma once

#include <cstdint>

#include "core/options.h"
#include "core/rounding.h"

namespace wl::cpu {

using bfloat16 = uint16_t;  // Bit patterns; arithmetic is in float32.
using float16 = uint16_t;

constexpr int kPanel = 16;

constexpr int64_t panel_count(int64_t n) { return ceil_div(n, kPanel); }
constexpr int64_t pair_count(int64_t k) { return (k + 1) / 2; }

// c is float32 with row stride ldc; only its m x n elements are touched. `panel_stride` is the distance in
// elements from one panel to the next (panels may be cut along k). With `accumulate` the sum goes on from c,
// else from zero. In the bfloat16 form k counts elements; if it is odd, the element of A after the last one
// is read and must be finite (its partner in the panel is zero).
struct ProductKernels {
  void (*float32)(const float* a, int64_t lda, const float* panels, int64_t panel_stride, float* c,
                  int64_t ldc, int64_t m, int64_t n, int64_t k, bool accumulate);
  void (*bfloat16)(const uint16_t* a, int64_t lda, const uint16_t* panels, int64_t panel_stride, float* c,
                   int64_t ldc, int64_t m, int64_t n, int64_t k,
                   bool accumulate);  // nullptr without AVX-512 BF16
};
const ProductKernels& product_kernels(Isa isa);

}  // namespace wl::cpu
