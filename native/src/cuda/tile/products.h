// The two products of attention, over tiles of 16-bit elements: a warp's kM x 16 rows, all operands from shared memory
// but the probabilities, which stay in the registers that the scores' product left them in.
//
//   scores (rows x keys)  = q (rows x d)     k^T (keys x d):   ldmatrix of both
//   output (rows x d)    += p (rows x keys)  v   (keys x d):   p packed from C fragments, v by ldmatrix.trans
#pragma once

#include "cuda/tile/fragment.h"

namespace wl::cuda::tile {

template <class Element>
struct Products {
  // scores = q k^T; rows of q from `first_row`, kN x 16 keys, kDepth elements.
  template <int kDepth, int kM, int kN, class QTile, class KTile>
  static WL_DEVICE void score(FragmentC (&scores)[kM][kN][2], QTile q, uint32_t first_row, KTile k,
                              Site s = Site::here()) {
    const auto q_rows = row_cursor(q, first_row);
    const auto k_columns = column_cursor(k, 0);
    WL_UNROLL
    for (int m = 0; m < kM; ++m) {
      WL_UNROLL
      for (int n = 0; n < kN; ++n) scores[m][n][0] = scores[m][n][1] = FragmentC{};
    }
    WL_UNROLL
    for (int d = 0; d < kDepth; d += 16) {
      FragmentA a[kM];
      WL_UNROLL
      for (int m = 0; m < kM; ++m) a[m] = load_a(q_rows, m * 16, d, s);
      WL_UNROLL
      for (int n = 0; n < kN; ++n) {
        const FragmentB2 b = load_b(k_columns, n * 16, d, s);
        WL_UNROLL
        for (int m = 0; m < kM; ++m) multiply<Element>(scores[m][n], a[m], b, s);
      }
    }
  }

  // output += p v
  template <int kM, int kN, int kD, class VTile>
  static WL_DEVICE void accumulate(FragmentC (&output)[kM][kD][2], const FragmentC (&p)[kM][kN][2], VTile v,
                                   Site s = Site::here()) {
    const auto v_rows = row_cursor(v, 0);
    WL_UNROLL
    for (int n = 0; n < kN; ++n) {
      FragmentA a[kM];
      WL_UNROLL
      for (int m = 0; m < kM; ++m) a[m] = to_a<Element>(p[m][n]);
      WL_UNROLL
      for (int d = 0; d < kD; ++d) {
        const FragmentB2 b = load_b_transposed(v_rows, n * 16, d * 16, s);
        WL_UNROLL
        for (int m = 0; m < kM; ++m) multiply<Element>(output[m][d], a[m], b, s);
      }
    }
  }
};

}  // namespace wl::cuda::tile
