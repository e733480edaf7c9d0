// The kernel for one to eight rows of x and plain weights: reads every weight row once, as it lies in memory.
// Tasks are runs of up to 256 weight rows, two or more for each worker, which a worker multiplies and finishes with the
// epilogue. Bound by memory.
#include <algorithm>

#include "core/tensor.h"
#include "cpu/arena.h"
#include "cpu/gemm/epilogue.h"
#include "cpu/gemm/gemm.h"
#include "cpu/gemm/panels.h"
#include "cpu/gemm/rows_kernels.h"
#include "cpu/scratch.h"

namespace wl::cpu {
namespace {

constexpr int64_t kTaskRows = 256;                  // at most
constexpr int64_t kSmallBytes = int64_t{64} << 10;  // of weights that are read before another thread woke up

}  // namespace

void gemm_rows(const GemmProblem& p, Isa isa, bool dot) {
  const int64_t size = dot ? 2 : 4;
  const int64_t x_stride = padded_row(p.k, size);
  const Scratch scratch(static_cast<uint64_t>(p.m * x_stride * size));
  auto* x = scratch.at<char>(0);
  for (int64_t i = 0; i < p.m && p.k > 0; ++i) {
    const auto* source = static_cast<const char*>(p.x.data) + i * p.x.strides[0] * element_size(p.x.dtype);
    prepare_row(isa, dot, p.x.dtype, source, x + i * x_stride * size, p.k, x_stride);
  }

  const auto multiply = [&](const GemmWeight& w, int64_t column, int64_t columns, float* sums) {
    const char* rows = static_cast<const char*>(w.data);
    if (p.k > 0) rows += column * w.row_stride * element_size(w.dtype);
    const DotRows call{x, x_stride, p.m, rows, w.row_stride, columns, p.k, sums, kTaskRows};
    dot ? dot_rows_bfloat16(call) : dot_rows(isa, w.dtype, call);
  };
  const Arena arena;
  const int64_t rows = std::clamp(round_up(ceil_div(p.n, 2 * arena.size()), 4), int64_t{16}, kTaskRows);
  auto body = [&](int64_t task, int) {
    alignas(64) float sums[kRowsKernelRows * kTaskRows], up_sums[kRowsKernelRows * kTaskRows];
    const int64_t column = task * rows, columns = std::min(rows, p.n - column);
    multiply(p.weight, column, columns, sums);
    if (p.gated()) multiply(p.up, column, columns, up_sums);
    epilogue(isa, p, {sums, up_sums, kTaskRows, 0, p.m, column, columns});
  };
  const int64_t tasks = ceil_div(p.n, rows);
  if (p.n * std::min(p.k, kSmallBytes) * element_size(p.weight.dtype) > kSmallBytes)
    return arena.run(tasks, body);
  auto all = [&](int64_t, int slot) {
    for (int64_t task = 0; task < tasks; ++task) body(task, slot);
  };
  arena.run(1, all);
}

}  // namespace wl::cpu
