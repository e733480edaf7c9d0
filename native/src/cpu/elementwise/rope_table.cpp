// Tables of cos and sin for rotary embedding, in double until the last rounding. The frequencies are changed
// for longer contexts as Hugging Face transformers defines it: "linear", "llama3" and "yarn".
#include <algorithm>
#include <cmath>

#include "core/convert.h"
#include "core/failure.h"
#include "core/tensor.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/rows.h"
#include "cpu/scratch.h"

namespace wl::cpu {
namespace {

constexpr double kTwoPi = 6.283185307179586476925286766559;

// Long waves are stretched by the factor, short ones kept, those between blended.
double llama3_frequency(const wl_rope_table_params& p, double frequency) {
  const double wavelength = kTwoPi / frequency;
  if (wavelength > p.original_max_positions / p.low_frequency_factor) return frequency / p.factor;
  if (wavelength < p.original_max_positions / p.high_frequency_factor) return frequency;
  const double smooth = (p.original_max_positions / wavelength - p.low_frequency_factor) /
                        (p.high_frequency_factor - p.low_frequency_factor);
  return (1 - smooth) * frequency / p.factor + smooth * frequency;
}

// The range of frequency indices over which YaRN goes over from kept to stretched.
struct YarnRange {
  double low;
  double high;
};
YarnRange yarn_range(const wl_rope_table_params& p, double rotated) {
  // The index of the frequency that makes this many rotations over the original context.
  const auto index = [&](double rotations) {
    return rotated * std::log(p.original_max_positions / (rotations * kTwoPi)) / (2 * std::log(p.base));
  };
  double low = index(p.beta_fast == 0 ? 32 : p.beta_fast);
  double high = index(p.beta_slow == 0 ? 1 : p.beta_slow);
  if (p.yarn_exact_range == 0) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, rotated - 1);
  return {low, low == high ? high + 0.001 : high};  // No division by zero.
}

void fill_frequencies(const wl_rope_table_params& p, int64_t pairs, double* frequencies) {
  const auto rotated = static_cast<double>(2 * pairs);
  const YarnRange range = p.scaling == WL_ROPE_SCALING_YARN ? yarn_range(p, rotated) : YarnRange{0, 1};
  for (int64_t i = 0; i < pairs; ++i) {
    const double frequency = std::pow(p.base, -static_cast<double>(2 * i) / rotated);
    switch (p.scaling) {
      case WL_ROPE_SCALING_LINEAR:
        frequencies[i] = frequency / p.factor;
        break;
      case WL_ROPE_SCALING_LLAMA3:
        frequencies[i] = llama3_frequency(p, frequency);
        break;
      case WL_ROPE_SCALING_YARN: {
        const double ramp =
            std::clamp((static_cast<double>(i) - range.low) / (range.high - range.low), 0.0, 1.0);
        frequencies[i] = frequency / p.factor * ramp + frequency * (1 - ramp);
        break;
      }
      default:
        frequencies[i] = frequency;
    }
  }
}

double round_frequency(int32_t dtype, double frequency) {
  const auto single = static_cast<float>(frequency);
  if (dtype == WL_DTYPE_FLOAT16) return float16_to_float(float_to_float16(single));
  if (dtype == WL_DTYPE_BFLOAT16) return bfloat16_to_float(float_to_bfloat16(single));
  return frequency;
}

double amplitude(const wl_rope_table_params& p) {
  if (p.scaling != WL_ROPE_SCALING_YARN) return 1;
  if (p.attention_factor != 0) return p.attention_factor;
  return p.factor <= 1 ? 1 : 0.1 * std::log(p.factor) + 1;
}

}  // namespace

void rope_table(const wl_rope_table_params& p) {
  set_last_kernel("elementwise.rope_table.scalar.float64");
  const int64_t positions = p.cos.shape[0], pairs = p.cos.shape[1];
  if (positions == 0 || pairs == 0) return;
  const Scratch scratch(static_cast<uint64_t>(pairs) * sizeof(double));
  auto* frequencies = scratch.at<double>(0);
  fill_frequencies(p, pairs, frequencies);
  for (int64_t i = 0; i < pairs; ++i) frequencies[i] = round_frequency(p.frequency_dtype, frequencies[i]);
  const double scale = amplitude(p);
  constexpr int64_t kElementCost = 16;  // An angle costs as much as that many elements of other ops.
  for_rows(Arena(), positions, pairs * kElementCost, [&](int64_t position, int) {
    float* cos = row<float>(p.cos, position);
    float* sin = row<float>(p.sin, position);
    for (int64_t i = 0; i < pairs; ++i) {
      const double angle = static_cast<double>(position) * frequencies[i];
      cos[i] = static_cast<float>(std::cos(angle) * scale);
      sin[i] = static_cast<float>(std::sin(angle) * scale);
    }
  });
}

}  // namespace wl::cpu
