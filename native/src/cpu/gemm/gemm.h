// The product of the CPU backend: y = act(x W^T + bias) [* (x U^T + up_bias)] + residual.
#pragma once

#include <warpline/gemm.h>

#include <cstdint>

#include "core/options.h"

namespace wl::cpu {

// A checked weight [N, K]: rows of memory, or the panels that follow a packed weight's header.
struct GemmWeight {
  const void* data = nullptr;
  int32_t dtype = WL_DTYPE_NONE;
  int64_t row_stride = 0;  // plain weights only
  bool packed = false;
};

// A checked call. x, bias, residual, up_bias and y are used as views; absent ones have dtype NONE.
struct GemmProblem {
  int64_t m, n, k;
  int32_t activation;
  bool batch_invariant;
  wl_tensor x, bias, residual, y, up_bias;
  GemmWeight weight, up;  // up.dtype NONE: no second weight
  bool gated() const { return up.dtype != WL_DTYPE_NONE; }
};

void gemm(const GemmProblem& problem);

// The kernels that gemm picks from. `dot` says that bfloat16 goes to the dot-product instruction as it is; all
// else is multiplied in float32.
constexpr int64_t kRowsKernelRows = 8;
void gemm_rows(const GemmProblem& problem, Isa isa, bool dot);
void gemm_tiles(const GemmProblem& problem, Isa isa, bool dot);

// wl_gemm_pack: the panels of a plain weight, in its own type.
void pack_weight(const wl_tensor& weight, void* panels);

}  // namespace wl::cpu
