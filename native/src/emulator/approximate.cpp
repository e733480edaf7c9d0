// Approximate arithmetic of the special function unit. The plain result is the exact one, rounded; the numerics mode
// errs by up to what the PTX manual allows. ftz: subnormal operands and results are zero.
#include <cmath>

#include "emulator/device.h"
#include "emulator/numerics.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

float flush(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }
uint32_t bits_of(float x) { return __builtin_bit_cast(uint32_t, x); }
bool is_special(float x) { return x == 0 || !std::isfinite(x); }

}  // namespace

float ex2_approx_ftz(float x) {
  x = flush(x);
  if (!numerics.on || is_special(x)) return flush(std::exp2(x));
  return flush(perturb_relative(std::exp2(static_cast<double>(x)), 0x1p-22, bits_of(x)));
}

float lg2_approx_ftz(float x) {
  x = flush(x);
  if (!numerics.on || is_special(x) || x < 0) return flush(std::log2(x));
  const double exact = std::log2(static_cast<double>(x));
  return flush(x >= 0.5f && x <= 2.0f ? perturb_absolute(exact, 0x1p-22, bits_of(x))
                                      : perturb_relative(exact, 0x1p-22, bits_of(x)));
}

float rcp_approx_ftz(float x) {
  x = flush(x);
  if (!numerics.on || is_special(x)) return flush(1.0f / x);
  return flush(perturb_rounding(1.0 / static_cast<double>(x), bits_of(x)));
}

float rsqrt_approx_ftz(float x) {
  x = flush(x);
  // -0 gives -infinity.
  const double exact = 1.0 / std::sqrt(static_cast<double>(x));
  if (!numerics.on || is_special(x) || x < 0) return flush(static_cast<float>(exact));
  constexpr double kBound = 1.2776e-7;  // 2^-22.9
  return flush(perturb_relative(exact, kBound, bits_of(x)));
}

float tanh_approx(float x) {
  if (!numerics.on || is_special(x)) return std::tanh(x);
  return perturb_relative(std::tanh(static_cast<double>(x)), 0x1p-11, bits_of(x));
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
