// Weights of the softmax, not normalised, and their sums. Sums are integers, weights in units of 2^-fraction: exact, so
// that they depend on no order of threads, and as fine as double where it matters.
#pragma once

#include "cuda/tile/math.h"

namespace wl::cuda {

// e^((value - top) / temperature); an infinite top takes all the weight.
WL_DEVICE float weight(float value, float top, float temperature) {
  const float difference = value != top ? value - top : 0.0f;
  return exp_f32(ptx::div_rn_f32(difference, temperature));
}

// Of rows of up to 2^id_bits tokens, whose weights are at most 1.
struct FixedPoint {
  int32_t fraction;

  static WL_DEVICE FixedPoint of(uint32_t id_bits) { return {62 - static_cast<int32_t>(id_bits)}; }
  // Cut to whole units; subnormal weights are none. What settings outside their range make (NaN, more than 1) counts as 1.
  WL_DEVICE uint64_t units(float w) const {
    constexpr uint32_t kOne = 0x3f800000u;
    uint32_t bits = ptx::mov_b32_f32(w);
    bits = bits > kOne ? kOne : bits;
    const int32_t shift = static_cast<int32_t>(bits >> 23) - 150 + fraction;
    const uint64_t mantissa = (bits & 0x7fffffu) | 0x800000u;
    if (bits < 0x800000u || shift <= -24) return 0;
    return shift >= 0 ? mantissa << shift : mantissa >> -shift;
  }
  // The logarithm of a sum above 0.
  WL_DEVICE float logarithm(uint64_t sum) const {
    int32_t shift = 0;
    while ((sum >> shift) >= (uint64_t{1} << 24)) ++shift;
    const auto mantissa = static_cast<float>(static_cast<uint32_t>(sum >> shift));
    return ptx::fma_rn_f32(static_cast<float>(shift - fraction), kLn2, log_f32(mantissa));
  }
};

// x * y / 2^32.
WL_DEVICE uint64_t scaled(uint64_t x, uint32_t y) { return (x >> 32) * y + ((x & 0xffffffffu) * y >> 32); }

// x * (y + 1/2) / 2^32: the place of the uniform number (y + 1/2) / 2^32 in a sum.
WL_DEVICE uint64_t place_in(uint64_t x, uint32_t y) {
  const uint64_t low = (x & 0xffffffffu) * y, half = x >> 1;
  return (x >> 32) * y + (low >> 32) + (half >> 32) + (((low & 0xffffffffu) + (half & 0xffffffffu)) >> 32);
}

}  // namespace wl::cuda
