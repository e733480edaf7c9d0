// One row for each packed sequence: mean, first, last or maximum of its token rows, optionally brought to
// length one. A task works on whole sequences and reads each token row once; the mean is summed in double.
// Bound by memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/elementwise/pool.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include <cmath>
#include <limits>

#include "core/failure.h"
#include "core/tensor.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/rows-inl.h"
#include "cpu/scratch.h"

#ifndef WARPLINE_CPU_ELEMENTWISE_POOL_
#define WARPLINE_CPU_ELEMENTWISE_POOL_
namespace wl::cpu {
// A worker's buffers, each of a padded row.
struct PoolBuffers {
  double* sums;
  float* result;
  float* token;
};
}  // namespace wl::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

void mean_rows(const wl_tensor& x, int64_t begin, int64_t end, const PoolBuffers& b) {
  const int64_t n = x.shape[1];
  constexpr int64_t kHalf = kLanes / 2;
  for (int64_t i = 0; i < padded(n); ++i) b.sums[i] = 0;
  for (int64_t t = begin; t < end; ++t) {
    widen_padded(x.dtype, x.data, t * x.strides[0], n, 0, b.token);
    for (int64_t i = 0; i < n; i += kLanes) {
      const VF v = hn::LoadU(F32(), b.token + i);
      hn::StoreU(hn::Add(hn::LoadU(F64(), b.sums + i), lower_double(v)), F64(), b.sums + i);
      hn::StoreU(hn::Add(hn::LoadU(F64(), b.sums + i + kHalf), upper_double(v)), F64(), b.sums + i + kHalf);
    }
  }
  const auto tokens = static_cast<double>(end - begin);
  for (int64_t i = 0; i < n; ++i) b.result[i] = static_cast<float>(b.sums[i] / tokens);
}

// NaN stays: as in the other poolings, a bad value shows.
void max_rows(const wl_tensor& x, int64_t begin, int64_t end, const PoolBuffers& b) {
  const int64_t n = x.shape[1];
  widen_padded(x.dtype, x.data, begin * x.strides[0], n, 0, b.result);
  for (int64_t t = begin + 1; t < end; ++t) {
    widen_padded(x.dtype, x.data, t * x.strides[0], n, 0, b.token);
    for (int64_t i = 0; i < n; i += kLanes) {
      const VF best = hn::LoadU(F32(), b.result + i), v = hn::LoadU(F32(), b.token + i);
      const auto take = hn::Or(hn::Gt(v, best), hn::IsNaN(v));
      hn::StoreU(hn::IfThenElse(take, v, best), F32(), b.result + i);
    }
  }
}

void normalize_row(float* h, int64_t n) {
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(h[i]) * static_cast<double>(h[i]);
  const double length = std::sqrt(squares);
  const double divisor = length < 1e-12 ? 1e-12 : length;
  for (int64_t i = 0; i < n; ++i) h[i] = static_cast<float>(static_cast<double>(h[i]) / divisor);
}

void pool_sequence(const wl_pool_params& p, int64_t sequence, const PoolBuffers& b) {
  const int64_t n = p.x.shape[1];
  const int64_t begin = index_at(p.cu_seqlens, sequence), end = index_at(p.cu_seqlens, sequence + 1);
  if (begin == end) {
    for (int64_t i = 0; i < n; ++i) b.result[i] = 0;
  } else if (p.kind == WL_POOL_MEAN) {
    mean_rows(p.x, begin, end, b);
  } else if (p.kind == WL_POOL_MAX) {
    max_rows(p.x, begin, end, b);
  } else {
    const int64_t token = p.kind == WL_POOL_FIRST ? begin : end - 1;
    widen(p.x.dtype, p.x.data, token * p.x.strides[0], n, b.result);
  }
  if (p.flags & WL_POOL_NORMALIZE) normalize_row(b.result, n);
  narrow(p.y.dtype, b.result, n, p.y.data, sequence * p.y.strides[0]);
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void pool(const wl_pool_params& p) {
  static constexpr KernelNames kNames = WL_KERNEL_NAMES("elementwise.pool");
  const bool avx512 = use_avx512();
  set_last_kernel(kNames.of(avx512, p.x.dtype));
  const int64_t sequences = p.y.shape[0], n = p.x.shape[1];
  if (sequences == 0 || n == 0) return;
  const auto sequence_function = avx512 ? &N_AVX3::pool_sequence : &N_AVX2::pool_sequence;
  const Arena arena;
  const uint64_t row = scratch_part(static_cast<uint64_t>(padded(n)) * sizeof(float));
  const uint64_t sums = scratch_part(static_cast<uint64_t>(padded(n)) * sizeof(double));
  const uint64_t part = sums + 2 * row;
  const Scratch scratch(part * static_cast<uint64_t>(arena.size()));
  const int64_t tokens = index_at(p.cu_seqlens, sequences) - index_at(p.cu_seqlens, 0);
  for_rows(arena, sequences, (tokens / sequences + 1) * n, [&](int64_t sequence, int slot) {
    const uint64_t at = part * static_cast<uint64_t>(slot);
    sequence_function(
        p, sequence,
        {scratch.at<double>(at), scratch.at<float>(at + sums), scratch.at<float>(at + sums + row)});
  });
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
