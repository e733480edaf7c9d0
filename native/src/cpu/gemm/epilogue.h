// What follows the sums of a product, for a block of y: bias, activation, the gated pair, residual, the type of y.
#pragma once

#include "cpu/gemm/gemm.h"

namespace wl::cpu {

constexpr int64_t kEpilogueColumns = 256;  // of a block, at most

// Rows [row, row + rows) and columns [column, column + columns) of y. sums and up_sums (used where the problem is
// gated) hold them in float32 with row stride `stride`; up to the next multiple of 16 columns they may be read.
struct EpilogueBlock {
  const float* sums;
  const float* up_sums;
  int64_t stride;
  int64_t row, rows, column, columns;
};

void epilogue(Isa isa, const GemmProblem& problem, const EpilogueBlock& block);

}  // namespace wl::cpu
