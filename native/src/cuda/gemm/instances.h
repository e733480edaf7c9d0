// The instances of the product's kernels, each in the translation unit of its element type.
#pragma once

#include "cuda/gemm/params.h"
#include "cuda/gemm/tuning.h"
#include "cuda/runtime/kernel.h"

namespace wl::cuda::product {

using GemmKernelInstance = Kernel<GemmParams>;

// Shape `shape` of the type's tuning rows. `chunked`: 16-byte copies; else element by element, which begins with
// kFirstAnyShape.
const GemmKernelInstance& tiles_float32(int shape, bool chunked);
const GemmKernelInstance& tiles_float16(int shape, bool chunked);
const GemmKernelInstance& tiles_bfloat16(int shape, bool chunked);

// For `rows` rows of x, at most kRowsLimit. x has the weight's type, or float32 where `wide`.
const GemmKernelInstance& rows_float32(int64_t rows);
const GemmKernelInstance& rows_float16(int64_t rows, bool wide);
const GemmKernelInstance& rows_bfloat16(int64_t rows, bool wide);
// Any types, any alignment.
const GemmKernelInstance& rows_any(int64_t rows);

const GemmKernelInstance& merge_kernel();

}  // namespace wl::cuda::product
