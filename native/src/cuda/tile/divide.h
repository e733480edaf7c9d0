// Division of numbers below 2^31 by one that the host knows before the launch: a product and a shift.
#pragma once

#include "cuda/ptx/config.h"

namespace wl::cuda {

// For divisor d with 2^(shift - 1) < d <= 2^shift and multiplier m = floor(2^32 (2^shift - d) / d) + 1, n / d is
// (n m / 2^32 + n) / 2^shift for all n < 2^31 (Granlund and Montgomery, 1994).
struct Divisor {
  uint32_t value, multiplier, shift;
};

inline Divisor divisor(uint32_t value) {
  uint32_t shift = 0;
  while ((uint64_t{1} << shift) < value) ++shift;
  const uint64_t rest = (uint64_t{1} << shift) - value;
  return {value, static_cast<uint32_t>((rest << 32) / value + 1), shift};
}

WL_HOST_DEVICE uint32_t divide(uint32_t n, const Divisor& d) {
  return (static_cast<uint32_t>(static_cast<uint64_t>(n) * d.multiplier >> 32) + n) >> d.shift;
}

}  // namespace wl::cuda
