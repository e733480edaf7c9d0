// The inner kernels of gemm_rows: dot products of a few rows of x with rows of a plain weight.
#pragma once

#include <cstdint>

#include "core/options.h"

namespace wl::cpu {

struct DotRows {
  const void* x;  // m rows in the product's type, zeros from k up to a multiple of 32
  int64_t x_stride;
  int64_t m;           // 1 to 8
  const void* weight;  // `rows` rows of k elements
  int64_t weight_stride;
  int64_t rows;
  int64_t k;
  float* out;  // out[i * out_stride + r] = x row i . weight row r
  int64_t out_stride;
};

// float32 x with weights of any type.
void dot_rows(Isa isa, int32_t weight_dtype, const DotRows& p);
// bfloat16 with bfloat16; the machine must have AVX-512 BF16.
void dot_rows_bfloat16(const DotRows& p);

}  // namespace wl::cpu
