// Softmax over keys that come block by block, for the rows of which a thread holds parts (C fragments).
//
//   scores s of a block ->  m' = max(m, s...)         of the row, over the four lanes that share it
//                           p  = 2^((s - m') w)       w: log2(e), times the scale that s still lacks
//                           f  = 2^((m - m') w)
//                           sum = f sum + p...,  o = f o     (of a thread's own columns; lanes are added in the end)
//
// (s - m') w is one fused multiply-add with the rounded m' w: what rounding it errs is the same for all keys of the row and
// cancels. It would not stay small where |m' w| is past 2^27; there a w that is a power of two takes over, with which m' w
// is exact: scores that large are 16 or more apart where they differ at all, so that only the largest count by either w.
// A block of which a row attends nothing keeps the row's bits.
//
// kPrecise: for float32 tensors, whose tolerance the special function unit's exponential misses.
#pragma once

#include "cuda/ptx/math.h"
#include "cuda/ptx/sync.h"
#include "cuda/tile/fragment.h"
#include "cuda/tile/math.h"

namespace wl::cuda::tile {

constexpr float kMinusInfinity = -infinity();

// How a row ends.
struct RowEnd {
  float scale;  // of its output
  float lse;    // natural logarithm of the sum of exponentials
};

// kM fragments of 16 rows; row 2 m + h of a thread is elements 2 h and 2 h + 1 of fragment m.
template <int kM, bool kPrecise>
class OnlineSoftmax {
  static constexpr int kRows = 2 * kM;

 public:
  explicit WL_DEVICE OnlineSoftmax(float multiplier)
      : multiplier_(multiplier), power_of_two_(ptx::mov_f32_b32(ptx::mov_b32_f32(multiplier) & 0xff800000u)) {
    WL_UNROLL
    for (int row = 0; row < kRows; ++row) {
      max_[row] = kMinusInfinity;
      sum_[row] = 0;
    }
  }

  // Turns scores into probabilities relative to the rows' maximum so far, and brings the output to that maximum.
  template <int kN, int kD>
  WL_DEVICE void step(FragmentC (&scores)[kM][kN][2], FragmentC (&output)[kM][kD][2], Site s = Site::here()) {
    WL_UNROLL
    for (int row = 0; row < kRows; ++row) {
      const float old = max_[row];
      float largest = old;
      each(scores, row, [&](float& x) { largest = ptx::max_f32(largest, x); });
      largest = ptx::max_f32(largest, ptx::shfl_sync_bfly_f32(largest, 1, s));
      largest = ptx::max_f32(largest, ptx::shfl_sync_bfly_f32(largest, 2, s));
      max_[row] = largest;
      const bool usual = ptx::abs_f32(largest * multiplier_) <= 0x1p27f;
      const float multiplier = usual ? multiplier_ : power_of_two_;
      const float shift = largest == kMinusInfinity ? 0 : largest * multiplier;
      const float factor = exp2(old * multiplier - shift);
      float sum = sum_[row] * factor;
      each(scores, row, [&](float& x) {
        x = exp2(ptx::fma_rn_f32(x, multiplier, -shift));
        sum = sum + x;
      });
      sum_[row] = sum;
      each(output, row, [&](float& x) { x = x * factor; });
    }
  }

  // After the last block; `sink` is one more logit without a value, -infinity for none. A row that attended nothing
  // ends as zeros.
  WL_DEVICE RowEnd finish(int row, float sink, Site s = Site::here()) const {
    float sum = sum_[row];
    sum = sum + ptx::shfl_sync_bfly_f32(sum, 1, s);
    sum = sum + ptx::shfl_sync_bfly_f32(sum, 2, s);
    const float largest = max_[row] * multiplier_, logit = sink * kLog2E;
    const float top = ptx::max_f32(largest, logit);
    if (top == kMinusInfinity) return {sum, kMinusInfinity};  // zero, or NaN where a score was
    const float weight = exp2(largest - top);
    const float total = sum * weight + exp2(logit - top);
    const float inverse = ptx::rcp_approx_ftz_f32(total);
    float scale = weight * inverse;
    if (kPrecise) scale = ptx::fma_rn_f32(ptx::fma_rn_f32(-scale, total, weight), inverse, scale);
    return {scale, (top + ptx::lg2_approx_ftz_f32(total)) * kLn2};
  }

 private:
  static WL_DEVICE float exp2(float x) { return kPrecise ? exp2_f32(x) : ptx::ex2_approx_ftz_f32(x); }

  // Calls f for each element that the thread holds of a row.
  template <int kN, class F>
  static WL_DEVICE void each(FragmentC (&fragments)[kM][kN][2], int row, F&& f) {
    WL_UNROLL
    for (int n = 0; n < 4 * kN; ++n) f(fragments[row / 2][n / 4][n / 2 % 2].x[row % 2 * 2 + n % 2]);
  }

  float multiplier_, power_of_two_;
  float max_[kRows], sum_[kRows];
};

}  // namespace wl::cuda::tile
