// RMSNorm and LayerNorm with an optional residual: one task works on whole rows, each row is read once into a
// float32 buffer and reduced there. Sums are kept in double, so that the result errs by the last
// multiplications only, whatever the length and the mean of the row. Bound by memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/elementwise/norm.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include <cmath>

#include "core/failure.h"
#include "core/tensor.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/rows-inl.h"
#include "cpu/scratch.h"

#ifndef WARPLINE_CPU_ELEMENTWISE_NORM_
#define WARPLINE_CPU_ELEMENTWISE_NORM_
namespace wl::cpu {
struct NormWeights {
  const float* weight;  // Padded; nullptr: one.
  const float* bias;    // Padded; nullptr: zero.
};
}  // namespace wl::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

// Sum of h over a padded row.
HWY_INLINE double sum(const float* h, int64_t n) {
  VD low = hn::Zero(F64()), high = low;
  for (int64_t i = 0; i < n; i += kLanes) {
    const VF v = hn::LoadU(F32(), h + i);
    low = hn::Add(low, lower_double(v));
    high = hn::Add(high, upper_double(v));
  }
  return hn::GetLane(hn::SumOfLanes(F64(), hn::Add(low, high)));
}

HWY_INLINE double sum_of_squares(const float* h, int64_t n) {
  VD low = hn::Zero(F64()), high = low;
  for (int64_t i = 0; i < n; i += kLanes) {
    const VF v = hn::LoadU(F32(), h + i);
    const VD a = lower_double(v), b = upper_double(v);
    low = hn::MulAdd(a, a, low);
    high = hn::MulAdd(b, b, high);
  }
  return hn::GetLane(hn::SumOfLanes(F64(), hn::Add(low, high)));
}

// Takes the mean off the row. The mean has more digits than a float: its rest is taken off in a second step.
HWY_INLINE void center(float* h, int64_t n) {
  const double mean = sum(h, n) / static_cast<double>(n);
  const auto high = static_cast<float>(mean);
  const VF first = hn::Set(F32(), high);
  const VF second = hn::Set(F32(), static_cast<float>(mean - high));
  for (int64_t i = 0; i < n; i += kLanes) {
    hn::StoreU(hn::Sub(hn::Sub(hn::LoadU(F32(), h + i), first), second), F32(), h + i);
  }
  for (int64_t i = n; i < padded(n); ++i) h[i] = 0;
}

void norm_row(const wl_norm_params& p, const NormWeights& w, int64_t row, float* h, float* other) {
  const int64_t n = p.x.shape[p.x.rank - 1];
  widen_padded(p.x.dtype, p.x.data, row_offset(p.x, row), n, 0, h);
  if (present(p.residual)) {
    widen_padded(p.residual.dtype, p.residual.data, row_offset(p.residual, row), n, 0, other);
    for (int64_t i = 0; i < n; i += kLanes) {
      hn::StoreU(hn::Add(hn::LoadU(F32(), h + i), hn::LoadU(F32(), other + i)), F32(), h + i);
    }
  }
  if (present(p.residual_out)) {
    narrow(p.residual_out.dtype, h, n, p.residual_out.data, row_offset(p.residual_out, row));
  }
  if (p.kind == WL_NORM_LAYER) center(h, n);
  const double mean_square = sum_of_squares(h, n) / static_cast<double>(n);
  const double root = std::sqrt(mean_square + static_cast<double>(p.epsilon));
  const VF inverse = hn::Set(F32(), static_cast<float>(1 / root));
  for (int64_t i = 0; i < n; i += kLanes) {
    VF v = hn::Mul(hn::LoadU(F32(), h + i), inverse);
    if (w.weight != nullptr) v = hn::Mul(v, hn::LoadU(F32(), w.weight + i));
    if (w.bias != nullptr) v = hn::Add(v, hn::LoadU(F32(), w.bias + i));
    hn::StoreU(v, F32(), h + i);
  }
  narrow(p.y.dtype, h, n, p.y.data, row_offset(p.y, row));
}

void norm_vector(const wl_tensor& t, float plus, float* out) {
  const int64_t n = t.shape[0];
  widen_padded(t.dtype, t.data, 0, n, 0, out);
  if (plus == 0) return;
  for (int64_t i = 0; i < n; ++i) out[i] += plus;
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void norm(const wl_norm_params& p) {
  static constexpr KernelNames kRms = WL_KERNEL_NAMES("elementwise.rms_norm");
  static constexpr KernelNames kLayer = WL_KERNEL_NAMES("elementwise.layer_norm");
  const bool avx512 = use_avx512();
  set_last_kernel((p.kind == WL_NORM_RMS ? kRms : kLayer).of(avx512, p.x.dtype));
  if (elements(p.x) == 0) return;
  const int64_t n = p.x.shape[p.x.rank - 1];
  const auto row_function = avx512 ? &N_AVX3::norm_row : &N_AVX2::norm_row;
  const auto vector_function = avx512 ? &N_AVX3::norm_vector : &N_AVX2::norm_vector;

  const Arena arena;
  const uint64_t part = scratch_part(static_cast<uint64_t>(padded(n)) * sizeof(float));
  const Scratch scratch(part * (2 + 2 * static_cast<uint64_t>(arena.size())));
  NormWeights weights{nullptr, nullptr};
  if (present(p.weight)) {
    vector_function(p.weight, (p.flags & WL_NORM_ZERO_CENTERED) ? 1.0f : 0.0f, scratch.at<float>(0));
    weights.weight = scratch.at<float>(0);
  }
  if (present(p.bias)) {
    vector_function(p.bias, 0, scratch.at<float>(part));
    weights.bias = scratch.at<float>(part);
  }
  for_rows(arena, elements(p.x) / n, n, [&](int64_t row, int slot) {
    const uint64_t buffer = part * (2 + 2 * static_cast<uint64_t>(slot));
    row_function(p, weights, row, scratch.at<float>(buffer), scratch.at<float>(buffer + part));
  });
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
