// What the product's kernels are launched with.
#pragma once

#include <cstdint>

namespace wl::cuda::product {

// Rows in global memory `stride` elements apart (of a vector: elements); data is null where there is none. Only y is
// written.
struct View {
  void* data;
  int64_t stride;
  int32_t dtype;
  // Four elements beside each other that begin at a multiple of four columns may move as one access.
  bool fours;
};

struct GemmParams {
  View x, weight, up;            // [m, k], [n, k], [n, k]
  View bias, up_bias, residual;  // [n], [n], [m, n]
  View y;                        // [m, n]; residual may be the same memory
  int32_t m, n, k;
  int32_t activation;  // WL_ACTIVATION_*
  bool gated;          // there is a second weight, `up`
  // Split-K: a block sums elements [split * split_k, (split + 1) * split_k) of k into plane `split` of `partials`.
  int32_t splits;
  int32_t split_k;
  float* partials;         // [splits][1 or 2: x W^T, x U^T][m][partial_stride]; null where there is one split
  int64_t partial_stride;  // a multiple of 8: rows begin at a sector
};

}  // namespace wl::cuda::product
