// wl_gemm on CUDA: y = act(x W^T + bias) [* (x U^T + up_bias)] + residual.
#pragma once

#include "core/gemm_problem.h"
#include "core/launch.h"

namespace wl::cuda {

// Fails with UNSUPPORTED before anything is enqueued where the problem is not served.
void gemm(const GemmProblem& problem, const Launch& at);
// Bytes of workspace that the problem needs; fails as gemm does.
uint64_t gemm_workspace(const GemmProblem& problem, const Launch& at);

}  // namespace wl::cuda
