// A checked call of wl_gemm, as both backends take it.
#pragma once

#include <warpline/gemm.h>

#include <cstdint>

namespace wl {

// A checked weight [N, K]: rows of memory, or the panels that follow a packed weight's header.
struct GemmWeight {
  const void* data = nullptr;
  int32_t dtype = WL_DTYPE_NONE;
  int64_t row_stride = 0;  // plain weights only
  bool packed = false;
};

// x, bias, residual, up_bias and y are used as views; absent ones have dtype NONE.
struct GemmProblem {
  int64_t m, n, k;
  int32_t activation;
  bool batch_invariant;
  wl_tensor x, bias, residual, y, up_bias;
  GemmWeight weight, up;  // up.dtype NONE: no second weight
  bool gated() const { return up.dtype != WL_DTYPE_NONE; }
};

}  // namespace wl
