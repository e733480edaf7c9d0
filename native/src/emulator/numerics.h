// The numerics mode: arithmetic that is no kinder than the hardware's, chosen by the seed and the operands alone, so
// that schedules do not change results.
#pragma once

#include <cstdint>

#include "emulator/mode.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

struct Numerics {
  bool on = false;
  uint64_t seed = 0;
};
extern Numerics numerics;  // set by configure

// `exact` off by up to `bound` of itself, or by up to `bound` itself.
float perturb_relative(double exact, double bound, uint32_t operand);
float perturb_absolute(double exact, double bound, uint32_t operand);
// One of the two float32 neighbours of `exact`.
float perturb_rounding(double exact, uint32_t operand);

// d += a b for 16 x depth times depth x 8, as tensor cores add: the products in an order of the seed, some at a time
// together with the sum so far, each cut to the largest one's last bits, the result cut to float32.
void multiply_truncated(const float* a, const float* b, int depth, float* d);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
