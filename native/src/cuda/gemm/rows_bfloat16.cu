// Rows kernels of bfloat16 weights, with x of the same type and of float32.
#include "cuda/gemm/instances.h"
#include "cuda/gemm/rows.h"

namespace wl::cuda::product {
namespace {

template <class X, int kRows>
constexpr auto kKernel = &rows<ChunkedRows<X, tile::BFloat16>, kRows>;

const GemmKernelInstance kSame[] = {
    {"gemm.rows1.sm80.bfloat16", kKernel<tile::BFloat16, 1>, kRowsSharedBytes},
    {"gemm.rows2.sm80.bfloat16", kKernel<tile::BFloat16, 2>, kRowsSharedBytes},
    {"gemm.rows4.sm80.bfloat16", kKernel<tile::BFloat16, 4>, kRowsSharedBytes},
    {"gemm.rows8.sm80.bfloat16", kKernel<tile::BFloat16, 8>, kRowsSharedBytes},
};
const GemmKernelInstance kWide[] = {
    {"gemm.rows1.sm80.float32_bfloat16", kKernel<tile::Float32, 1>, kRowsSharedBytes},
    {"gemm.rows2.sm80.float32_bfloat16", kKernel<tile::Float32, 2>, kRowsSharedBytes},
    {"gemm.rows4.sm80.float32_bfloat16", kKernel<tile::Float32, 4>, kRowsSharedBytes},
    {"gemm.rows8.sm80.float32_bfloat16", kKernel<tile::Float32, 8>, kRowsSharedBytes},
};

}  // namespace

const GemmKernelInstance& rows_bfloat16(int64_t rows, bool wide) {
  return (wide ? kWide : kSame)[rows_bucket(rows)];
}

}  // namespace wl::cuda::product
