// Which kernel serves a product: a pure function of shapes, types, strides, flags, options and device.
#pragma once

#include "core/gemm_problem.h"
#include "core/options.h"
#include "cuda/gemm/tuning.h"

namespace wl::cuda::product {

struct Selection {
  bool rows = false;  // the rows kernel, else tiles
  // The operands have the types and the alignment for 16-byte copies.
  bool chunked = false;
  // ---- tiles only
  Multiply multiply = Multiply::kFloat32;
  int shape = 0;  // of tuning_rows(multiply)
  int splits = 1;
  int split_k = 0;  // elements of k in a split, a multiple of the shape's steps; all of k where there is one
};

// The problem has rows and columns.
Selection select(const GemmProblem& problem, GemmKernel forced, int multiprocessors);

// Bytes of partial sums that a selection needs.
uint64_t partial_bytes(const GemmProblem& problem, const Selection& selection);
// Elements from one row of partial sums to the next.
int64_t partial_stride(const GemmProblem& problem);

}  // namespace wl::cuda::product
