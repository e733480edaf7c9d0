// Softmax and its logarithm over rows: a task works on whole rows; a row is read once into a float32 buffer,
// where the maximum, the exponentials and their sum (in double) are made. Bound by the exponential.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/elementwise/softmax.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include <cmath>
#include <limits>

#include "core/failure.h"
#include "core/tensor.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/math-inl.h"
#include "cpu/rows-inl.h"
#include "cpu/scratch.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

// Replaces each element by x - base, or by e^(x - base); returns the sum of e^(x - base).
template <bool kKeepDifference>
HWY_INLINE double exponentials(float* h, int64_t n, float base) {
  VD low = hn::Zero(F64()), high = low;
  const VF b = hn::Set(F32(), base);
  for (int64_t i = 0; i < n; i += kLanes) {
    const VF difference = hn::Sub(hn::LoadU(F32(), h + i), b);
    const VF e = exp(difference);
    low = hn::Add(low, lower_double(e));
    high = hn::Add(high, upper_double(e));
    hn::StoreU(kKeepDifference ? difference : e, F32(), h + i);
  }
  return hn::GetLane(hn::SumOfLanes(F64(), hn::Add(low, high)));
}

void softmax_row(const wl_softmax_params& p, int64_t row, float* h) {
  const int64_t n = p.x.shape[1];
  constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
  widen_padded(p.x.dtype, p.x.data, row * p.x.strides[0], n, kMinusInfinity, h);
  const float largest = row_max(h, n);
  // In a row of -infinity nothing is taken off, so that the differences are no NaN and the sum is 0.
  const float base = largest == kMinusInfinity ? 0.0f : largest;
  if (p.flags & WL_SOFTMAX_LOG) {
    const double sum = exponentials<true>(h, n, base);
    const VF log_sum = hn::Set(F32(), static_cast<float>(sum == 0 ? 0.0 : std::log(sum)));
    for (int64_t i = 0; i < n; i += kLanes) {
      hn::StoreU(hn::Sub(hn::LoadU(F32(), h + i), log_sum), F32(), h + i);
    }
  } else {
    const double sum = exponentials<false>(h, n, base);
    const VF inverse = hn::Set(F32(), static_cast<float>(sum == 0 ? 0.0 : 1 / sum));
    for (int64_t i = 0; i < n; i += kLanes) {
      hn::StoreU(hn::Mul(hn::LoadU(F32(), h + i), inverse), F32(), h + i);
    }
  }
  narrow(p.y.dtype, h, n, p.y.data, row * p.y.strides[0]);
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void softmax(const wl_softmax_params& p) {
  static constexpr KernelNames kNames = WL_KERNEL_NAMES("elementwise.softmax");
  const bool avx512 = use_avx512();
  set_last_kernel(kNames.of(avx512, p.x.dtype));
  if (elements(p.x) == 0) return;
  const auto row_function = avx512 ? &N_AVX3::softmax_row : &N_AVX2::softmax_row;
  const Arena arena;
  const uint64_t part = scratch_part(static_cast<uint64_t>(padded(p.x.shape[1])) * sizeof(float));
  const Scratch scratch(part * static_cast<uint64_t>(arena.size()));
  for_rows(arena, p.x.shape[0], p.x.shape[1], [&](int64_t row, int slot) {
    row_function(p, row, scratch.at<float>(part * static_cast<uint64_t>(slot)));
  });
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
