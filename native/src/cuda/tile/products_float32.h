// The two products of attention over tiles of float32, by fused multiply-adds in the order of d and of the keys: three
// products of tf32 would add three roundings for each and miss float32's tolerance. Threads own what they own of C
// fragments.
//
//   scores   thread (g, t): rows g, g + 8; keys 2t, 2t + 1 of each eight: 16 bytes of q and of k at a time
//   output   thread (g, t): rows g, g + 8; columns 2t, 2t + 1 of each eight; a key's p comes by shuffle from the lane of
//            its row that owns it, v from shared memory, 32 bytes that all rows share
#pragma once

#include "cuda/tile/products.h"

namespace wl::cuda::tile {

template <>
struct Products<Float32> {
  template <int kDepth, int kM, int kN, class QTile, class KTile>
  static WL_DEVICE void score(FragmentC (&scores)[kM][kN][2], QTile q, uint32_t first_row, KTile k,
                              Site s = Site::here()) {
    const uint32_t g = ptx::laneid() / 4, t = ptx::laneid() % 4;
    const auto rows = Cursor<QTile>::at(q, first_row + g, 0);
    const Cursor<KTile> keys[2] = {Cursor<KTile>::at(k, 2 * t, 0), Cursor<KTile>::at(k, 2 * t + 1, 0)};
    WL_UNROLL
    for (int m = 0; m < kM; ++m) {
      WL_UNROLL
      for (int n = 0; n < kN; ++n) scores[m][n][0] = scores[m][n][1] = FragmentC{};
    }
    WL_NO_UNROLL
    for (int chunk = 0; chunk < kDepth / 4; ++chunk) {
      U4 a[2 * kM];
      WL_UNROLL
      for (int row = 0; row < 2 * kM; ++row) a[row] = ptx::ld_shared_v4_b32(rows.step(row * 8, chunk), s);
      WL_UNROLL
      for (int n = 0; n < 4 * kN; ++n) {
        const U4 b = ptx::ld_shared_v4_b32(keys[n % 2].step(n / 2 * 8, chunk), s);
        WL_UNROLL
        for (int row = 0; row < 2 * kM; ++row) {
          float& x = scores[row / 2][n / 4][n / 2 % 2].x[row % 2 * 2 + n % 2];
          x = add_product(x, a[row].x, b.x);
          x = add_product(x, a[row].y, b.y);
          x = add_product(x, a[row].z, b.z);
          x = add_product(x, a[row].w, b.w);
        }
      }
    }
  }

  template <int kM, int kN, int kD, class VTile>
  static WL_DEVICE void accumulate(FragmentC (&output)[kM][kD][2], const FragmentC (&p)[kM][kN][2], VTile v,
                                   Site s = Site::here()) {
    const uint32_t lane = ptx::laneid(), t = lane % 4;
    WL_UNROLL
    for (int key = 0; key < 16 * kN; ++key) {
      uint32_t weight[2 * kM];
      WL_UNROLL
      for (int row = 0; row < 2 * kM; ++row) {
        const float own = p[row / 2][key / 16][key / 8 % 2].x[row % 2 * 2 + key % 2];
        weight[row] =
            ptx::shfl_sync_idx_b32(ptx::mov_b32_f32(own), lane - t + static_cast<uint32_t>(key % 8 / 2), s);
      }
      // The swizzle of a key's row is a constant.
      const auto columns = Cursor<VTile>::at(v, static_cast<uint32_t>(key), t / 2);
      WL_UNROLL
      for (int d = 0; d < 2 * kD; ++d) {
        const U2 b = ptx::ld_shared_v2_b32(columns.step(0, 2 * d) + t % 2 * 8, s);
        WL_UNROLL
        for (int row = 0; row < 2 * kM; ++row) {
          float* x = &output[row / 2][d / 2][d % 2].x[row % 2 * 2];
          x[0] = add_product(x[0], weight[row], b.x);
          x[1] = add_product(x[1], weight[row], b.y);
        }
      }
    }
  }

 private:
  static WL_DEVICE float add_product(float sum, uint32_t a, uint32_t b) {
    return ptx::fma_rn_f32(ptx::mov_f32_b32(a), ptx::mov_f32_b32(b), sum);
  }
};

}  // namespace wl::cuda::tile
