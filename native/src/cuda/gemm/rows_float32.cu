// Rows kernels of float32 weights with float32 x, and those of any types and alignment; the kernel that merges split-K.
#include "cuda/gemm/instances.h"
#include "cuda/gemm/merge.h"
#include "cuda/gemm/rows.h"

namespace wl::cuda::product {
namespace {

template <int kRows>
constexpr auto kKernel = &rows<ChunkedRows<tile::Float32, tile::Float32>, kRows>;

const GemmKernelInstance kSame[] = {
    {"gemm.rows1.sm80.float32", kKernel<1>, kRowsSharedBytes},
    {"gemm.rows2.sm80.float32", kKernel<2>, kRowsSharedBytes},
    {"gemm.rows4.sm80.float32", kKernel<4>, kRowsSharedBytes},
    {"gemm.rows8.sm80.float32", kKernel<8>, kRowsSharedBytes},
};
const GemmKernelInstance kAny[] = {
    {"gemm.rows1_any.sm80.float32", &rows<AnyRows, 1>, kRowsSharedBytes},
    {"gemm.rows8_any.sm80.float32", &rows<AnyRows, kRowsLimit>, kRowsSharedBytes},
};
const GemmKernelInstance kMerge("gemm.merge.sm80.float32", &merge);

}  // namespace

const GemmKernelInstance& rows_float32(int64_t rows) { return kSame[rows_bucket(rows)]; }
const GemmKernelInstance& rows_any(int64_t rows) { return kAny[rows == 1 ? 0 : 1]; }
const GemmKernelInstance& merge_kernel() { return kMerge; }

}  // namespace wl::cuda::product
