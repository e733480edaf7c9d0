// Selection of the product's kernel: a pure function of shapes, types, options and instruction set.
#include "cpu/gemm/gemm.h"

#include "core/failure.h"

namespace wl::cpu {
namespace {

// [kernel][the set that the kernel uses]
constexpr const char* kNames[2][3] = {
    {"gemm.rows.avx2.float32", "gemm.rows.avx512.float32", "gemm.rows.avx512_bf16.bfloat16"},
    {"gemm.tiles.avx2.float32", "gemm.tiles.avx512.float32", "gemm.tiles.avx512_bf16.bfloat16"}};

bool choose_rows(const GemmProblem& p) {
  if (p.m > kRowsKernelRows || p.k == 0 || p.batch_invariant || p.weight.packed || p.up.packed) return false;
  return forced_gemm_kernel() != GemmKernel::kTiles;
}

}  // namespace

void gemm(const GemmProblem& p) {
  const Isa set = isa();
  const bool both = p.x.dtype == WL_DTYPE_BFLOAT16 && p.weight.dtype == WL_DTYPE_BFLOAT16 &&
                    (!p.gated() || p.up.dtype == WL_DTYPE_BFLOAT16);
  const bool dot = both && set == Isa::kAvx512Bf16;
  const bool rows = choose_rows(p);
  if (p.m > 0 && p.n > 0) rows ? gemm_rows(p, set, dot) : gemm_tiles(p, set, dot);
  set_last_kernel(kNames[rows ? 0 : 1][dot ? 2 : set >= Isa::kAvx512 ? 1 : 0]);
}

}  // namespace wl::cpu
