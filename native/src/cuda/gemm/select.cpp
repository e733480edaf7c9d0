#include "cuda/gemm/select.h"

#include <algorithm>

#include "core/rounding.h"
#include "core/tensor.h"
#include "cuda/tile/shared_tile.h"

namespace wl::cuda::product {
namespace {

// Rows of whole 16-byte chunks at 16-byte addresses. The stride of a single row says nothing.
bool chunked(const void* data, int32_t dtype, int64_t rows, int64_t stride, int64_t k) {
  return tile::whole_chunks(reinterpret_cast<uintptr_t>(data), rows <= 1 ? 0 : stride, k,
                            static_cast<int>(element_size(dtype)));
}

bool all_chunked(const GemmProblem& p) {
  const auto weight = [&](const GemmWeight& w) { return chunked(w.data, w.dtype, p.n, w.row_stride, p.k); };
  return chunked(p.x.data, p.x.dtype, p.m, p.x.strides[0], p.k) && weight(p.weight) &&
         (!p.gated() || weight(p.up));
}

bool same_type(const GemmProblem& p) {
  return p.x.dtype == p.weight.dtype && (!p.gated() || p.up.dtype == p.weight.dtype);
}

// What the rows kernel has instances for: one type of weights, x of it or float32.
bool rows_types(const GemmProblem& p) {
  return (!p.gated() || p.up.dtype == p.weight.dtype) &&
         (p.x.dtype == p.weight.dtype || p.x.dtype == WL_DTYPE_FLOAT32);
}

struct Candidate {
  int shape;
  int splits;
  int64_t split_k;
  double cycles;  // no overflow, however large the shapes
};

// About what a launch takes beside its steps.
constexpr double kBlockCycles = 2500;        // the first copies, the epilogue
constexpr double kLatencyCycles = 400;       // a step of a block that has an SM for itself
constexpr double kMergeCycles = 5000;        // the second launch
constexpr double kMergeBytes = 8;            // a partial sum, written and read
constexpr double kMergeBytesPerCycle = 16;   // of an SM, from the second level cache
constexpr double kMemoryBytesPerCycle = 16;  // of an SM
constexpr int64_t kLeastSplitSteps = 4;

Candidate candidate(const GemmProblem& p, const Selection& s, int shape, int splits, int multiprocessors) {
  const TuningRow& row = tuning_rows(s.multiply)[shape];
  const int64_t depth = row.shape.row_bytes / (s.multiply == Multiply::kSixteenBit ? 2 : 4);
  const int64_t all_steps = std::max<int64_t>(1, ceil_div(p.k, depth));
  const int64_t steps = ceil_div(all_steps, splits);
  const auto used = static_cast<int>(ceil_div(all_steps, steps));  // fewer where the last ones would be empty
  const int64_t columns = p.gated() ? row.shape.n / 2 : row.shape.n;
  const int64_t blocks = ceil_div(p.m, row.shape.m) * ceil_div(p.n, columns) * used;
  const auto rounds = static_cast<double>(ceil_div(blocks, multiprocessors));
  const auto turns = static_cast<double>(ceil_div(ceil_div(blocks, multiprocessors), row.shape.blocks));
  const auto deep = static_cast<double>(steps);
  const double compute = std::max(rounds * (deep * row.step_cycles + kBlockCycles / row.shape.blocks),
                                  turns * (deep * kLatencyCycles + kBlockCycles));
  const double weights = static_cast<double>(p.n) * static_cast<double>(p.k) * (p.gated() ? 2 : 1) *
                         static_cast<double>(element_size(p.weight.dtype));
  const double memory = weights / (kMemoryBytesPerCycle * multiprocessors);
  double cycles = std::max(compute, memory) + std::min(compute, memory) / 4;  // they overlap, not wholly
  if (used > 1) {
    const double sums = static_cast<double>(p.m) * static_cast<double>(p.n) * (p.gated() ? 2 : 1) * used;
    cycles += kMergeCycles + sums * kMergeBytes / (kMergeBytesPerCycle * multiprocessors);
  }
  return {shape, used, used > 1 ? steps * depth : p.k, cycles};
}

}  // namespace

Selection select(const GemmProblem& p, GemmKernel forced, int multiprocessors) {
  Selection s;
  s.rows = p.m <= kRowsLimit && !p.batch_invariant && forced != GemmKernel::kTiles;
  s.chunked = all_chunked(p) && (s.rows ? rows_types(p) : same_type(p));
  if (s.rows) return s;
  s.multiply = same_type(p) && p.x.dtype != WL_DTYPE_FLOAT32 ? Multiply::kSixteenBit : Multiply::kFloat32;
  int first = s.chunked ? 0 : kFirstAnyShape;
  if (s.multiply == Multiply::kSixteenBit && p.y.dtype == WL_DTYPE_FLOAT32) {
    first = std::max(first, kFirstPreciseShape);
  }
  Candidate best{};
  for (int shape = first; shape < kTileShapes; ++shape) {
    for (const int splits : {1, 2, 3, 4, 6, 8, 12, 16}) {
      const Candidate c = candidate(p, s, shape, splits, multiprocessors);
      if (splits > 1 && (p.batch_invariant || c.splits != splits)) continue;
      const int64_t least = kLeastSplitSteps * tuning_rows(s.multiply)[shape].shape.row_bytes /
                            (s.multiply == Multiply::kSixteenBit ? 2 : 4);
      if (splits > 1 && c.split_k < least) continue;
      if (best.splits == 0 || c.cycles < best.cycles) best = c;
    }
  }
  s.shape = best.shape;
  s.splits = best.splits;
  s.split_k = static_cast<int>(best.split_k);
  return s;
}

int64_t partial_stride(const GemmProblem& p) { return round_up(p.n, 8); }

uint64_t partial_bytes(const GemmProblem& p, const Selection& s) {
  if (s.splits <= 1) return 0;
  return static_cast<uint64_t>(s.splits) * (p.gated() ? 2 : 1) *
         static_cast<uint64_t>(p.m * partial_stride(p)) * 4;
}

}  // namespace wl::cuda::product
