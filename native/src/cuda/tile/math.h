// Mathematics in float32 by single operations, the same on the emulator and on hardware. NaN gives NaN.
#pragma once

#include "cuda/ptx/convert.h"
#include "cuda/ptx/math.h"

namespace wl::cuda {

constexpr float kLog2E = 0x1.715476p0f;
constexpr float kLn2 = 0.693147181f;

WL_HOST_DEVICE constexpr float infinity() { return __builtin_huge_valf(); }

// c0 + c1 x + c2 x^2 + ... by Horner's rule.
WL_DEVICE float polynomial(float, float c0) { return c0; }
template <class... C>
WL_DEVICE float polynomial(float x, float c0, C... rest) {
  return ptx::fma_rn_f32(polynomial(x, rest...), x, c0);
}

// e^r for |r| up to ln 2 / 2.
WL_DEVICE float exp_reduced(float r) {
  return polynomial(r, 1.0f, 1.0f, 0.499999911f, 0.166664198f, 0.0416682288f, 0.00837485678f, 0.00138367945f);
}

// e^x, 1 ulp, subnormal results included: bit for bit what the CPU backend computes, so that a draw falls on the same
// token. x = n ln 2 + r; adding 1.5 * 2^23 leaves n in the low bits of the sum; 2^n in two factors, since n reaches from
// -150 to 128.
WL_DEVICE float exp_f32(float x) {
  x = x < -104.0f ? -104.0f : x;  // NaN stays
  x = x > 89.0f ? 89.0f : x;
  const float shifted = ptx::fma_rn_f32(x, kLog2E, 0x1.8p23f);
  const float n = shifted - 0x1.8p23f;
  float r = ptx::fma_rn_f32(-n, 0x1.62e4p-1f, x);
  r = ptx::fma_rn_f32(-n, 0x1.7f7d1cp-20f, r);
  const int32_t whole = static_cast<int32_t>(ptx::mov_b32_f32(shifted)) - 0x4b400000, half = whole >> 1;
  const auto power = [](int32_t e) { return ptx::mov_f32_b32(static_cast<uint32_t>(e + 127) << 23); };
  return exp_reduced(r) * power(half) * power(whole - half);
}

// 2^x, 2 ulp, for x up to 127; 0 below -126.5. The exponent's bits of 2^n are n + 127, and 0 for n = -127.
WL_DEVICE float exp2_f32(float x) {
  x = x < -127.0f ? -127.0f : x;  // NaN stays
  const float shifted = x + 0x1.8p23f;
  const float power = ptx::mov_f32_b32((ptx::mov_b32_f32(shifted) << 23) + 0x3f800000u);
  return exp_reduced((x - (shifted - 0x1.8p23f)) * kLn2) * power;
}

// ln x for normal x > 0, 2 ulp, exactly 0 at 1: x = 2^k m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh(s) with
// s = (m - 1) / (m + 1), |s| < 0.172, by its series.
WL_DEVICE float log_f32(float x) {
  const uint32_t bits = ptx::mov_b32_f32(x);
  const int32_t k = static_cast<int32_t>(bits - 0x3f3504f3u) >> 23;  // 0x3f3504f3 is sqrt(1/2)
  const float m = ptx::mov_f32_b32(bits - (static_cast<uint32_t>(k) << 23));
  const float f = m - 1.0f;
  const float s = ptx::div_rn_f32(f, f + 2.0f), square = s * s;
  const float series = polynomial(square, 0.666666667f, 0.4f, 0.285714286f, 0.222222222f, 0.181818182f);
  const float log_m = ptx::fma_rn_f32(s * square, series, s + s);
  const auto n = static_cast<float>(k);
  return ptx::fma_rn_f32(n, 0x1.62e4p-1f, ptx::fma_rn_f32(n, 0x1.7f7d1cp-20f, log_m));
}

// sqrt(mean of squares + epsilon), where squares(scale) sums the squares of the scaled values. Where they leave float32 they are summed
// again, scaled by a power of two.
template <class Squares>
WL_DEVICE float root_mean_square(Squares squares, float n, float epsilon) {
  constexpr float kLarge = 0x1p100f, kSmall = 0x1p-60f;
  const float mean = ptx::div_rn_f32(squares(1.0f), n) + epsilon;
  if (!(mean > kLarge) && !(mean < kSmall)) return ptx::sqrt_rn_f32(mean);
  const float scale = mean > kLarge ? 0x1p-80f : 0x1p80f, back = mean > kLarge ? 0x1p80f : 0x1p-80f;
  const float scaled = ptx::div_rn_f32(squares(scale), n) + epsilon * scale * scale;
  return ptx::sqrt_rn_f32(scaled) * back;
}

}  // namespace wl::cuda
