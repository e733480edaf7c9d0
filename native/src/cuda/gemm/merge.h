// The second half of split-K: sums the planes of partial sums in order and finishes y. A thread makes four columns of a row;
// a warp reads and writes whole sectors. Bound by the planes' way from the second level cache.
#pragma once

#include "cuda/gemm/epilogue.h"
#include "cuda/gemm/tuning.h"
#include "cuda/ptx/special.h"

namespace wl::cuda::product {

WL_KERNEL(kMergeThreads, 1)
merge(const WL_GRID_CONSTANT GemmParams p) {
  const int64_t fours = (p.n - 1) / 4 + 1;
  const int64_t unit = static_cast<int64_t>(ptx::ctaid_x()) * kMergeThreads + ptx::tid_x();
  const int64_t row = unit / fours;
  if (row >= p.m) return;
  const int first = static_cast<int>(unit % fours) * 4;
  const int halves = p.gated ? 2 : 1;
  float total[2][4] = {};
  for (int split = 0; split < p.splits; ++split) {
    WL_UNROLL
    for (int half = 0; half < 2; ++half) {
      if (half == halves) continue;
      const int64_t plane = static_cast<int64_t>(split) * halves + half;
      float part[4];
      load(Elements{p.partials, WL_DTYPE_FLOAT32}, (plane * p.m + row) * p.partial_stride + first, part);
      WL_UNROLL
      for (int c = 0; c < 4; ++c) total[half][c] += part[c];
    }
  }
  finish(p, static_cast<int>(row), columns_at(p, first), total[0], total[1]);
}

}  // namespace wl::cuda::product
