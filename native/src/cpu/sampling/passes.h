// The passes over a row of logits that sampling is made of. Rows are float32 and padded to whole vectors with
// -infinity (weights: with zeros).
#pragma once

#include <warpline/core.h>

#include <cstdint>

#include "core/rounding.h"
#include "cpu/sampling/select.h"

namespace wl::cpu {

// Weights are summed block by block, so that a draw can skip to its block.
constexpr int64_t kWeightBlock = 1024;
constexpr int64_t weight_blocks(int64_t n) { return ceil_div(n, kWeightBlock); }

struct SamplingPasses {
  // A row of logits as float32; NaN becomes -infinity.
  void (*read)(const wl_tensor& logits, int64_t row, float* values);
  float (*largest)(const float* values, int64_t n);
  // weights = e^((values - largest) / temperature), and the sums of their blocks; an infinite largest value
  // gets all the weight. Returns the sum of all.
  double (*weigh)(const float* values, int64_t n, float largest, float temperature, float* weights,
                  double* block_sums);
  // Clears the weights past the boundary and those below `least`. Returns the sum of what is left.
  double (*filter)(const float* values, int64_t n, const Boundary& boundary, float least, float* weights,
                   double* block_sums);
  // Appends to keys the keys of elements with tested > threshold, from *position on until the row ends or
  // fewer than 16 places are left of the capacity; returns the new count.
  int64_t (*collect)(const float* values, const float* tested, float threshold, int64_t n, int64_t* position,
                     uint64_t* keys, int64_t count, int64_t capacity);
};
const SamplingPasses& sampling_passes(bool avx512);

}  // namespace wl::cpu
