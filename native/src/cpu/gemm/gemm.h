// The product of the CPU backend: y = act(x W^T + bias) [* (x U^T + up_bias)] + residual.
#pragma once

#include <cstdint>

#include "core/gemm_problem.h"
#include "core/options.h"

namespace wl::cpu {

void gemm(const GemmProblem& problem);

// The kernels that gemm picks from. `dot` says that bfloat16 goes to the dot-product instruction as it is; all
// else is multiplied in float32.
constexpr int64_t kRowsKernelRows = 8;
void gemm_rows(const GemmProblem& problem, Isa isa, bool dot);
void gemm_tiles(const GemmProblem& problem, Isa isa, bool dot);

// wl_gemm_pack: the panels of a plain weight, in its own type.
void pack_weight(const wl_tensor& weight, void* panels);

}  // namespace wl::cpu
