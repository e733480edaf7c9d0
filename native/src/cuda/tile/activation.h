// The activations of WL_ACTIVATION_*, for epilogues and for wl_activation. kPrecise: within 3 ulp of float32, with the
// exponential as a polynomial; else by the special function unit, for results that are rounded to 16 bits.
#pragma once

#include <warpline/gemm.h>

#include "cuda/tile/math.h"

namespace wl::cuda {

template <bool kPrecise>
WL_DEVICE float exponential(float x) {
  return kPrecise ? exp_f32(x) : ptx::ex2_approx_ftz_f32(x * kLog2E);
}

// 1 / (1 + e^-x).
template <bool kPrecise>
WL_DEVICE float sigmoid(float x) {
  return ptx::rcp_approx_ftz_f32(1.0f + exponential<kPrecise>(-x));
}

// x/2 (1 + erf(x / sqrt(2))). With a = |x| / sqrt(2) the tail is erfc(a)/2 = t e^(-a^2) P(t)/2, t = 1 / (1 + a/2); the
// square of a is taken as a rounded product and what rounding took from it, so that far tails keep their digits.
template <bool kPrecise>
WL_DEVICE float gelu(float x) {
  float magnitude = x < 0 ? -x : x;
  magnitude = magnitude > 16.0f ? 16.0f : magnitude;
  const float half = magnitude * 0.5f, square = magnitude * half;
  const float lost = ptx::fma_rn_f32(magnitude, half, -square);
  const float t = ptx::rcp_approx_ftz_f32(ptx::fma_rn_f32(magnitude, 0.353553391f, 1.0f));
  const float p = polynomial(t, 0.282084465f, 0.282409579f, 0.242853642f, 0.203678384f, -0.028971741f,
                             0.281474859f, -0.490179241f, 0.286013782f, -0.0593637973f);
  const float erfc = exponential<kPrecise>(-square) * ptx::fma_rn_f32(-lost, t, t) * p;
  const float tail = 0.5f * erfc;
  return x * (x < 0 ? tail : 1.0f - tail);
}

// x/2 (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3).
template <bool kPrecise>
WL_DEVICE float gelu_tanh(float x) {
  const float cubic = ptx::fma_rn_f32(x * x, 0.0713548163f, 1.59576912f);
  return x * sigmoid<kPrecise>(x * cubic);
}

template <bool kPrecise>
WL_DEVICE float activate(int32_t activation, float x) {
  switch (activation) {
    case WL_ACTIVATION_GELU:
      return gelu<kPrecise>(x);
    case WL_ACTIVATION_GELU_TANH:
      return gelu_tanh<kPrecise>(x);
    case WL_ACTIVATION_SILU:
      return x * sigmoid<kPrecise>(x);
    case WL_ACTIVATION_RELU:
      return x < 0 ? 0.0f : x;
    default:
      return x;
  }
}

}  // namespace wl::cuda
