// Bringing operands into the form that the products of cpu/product.h take: rows of A in the product's type, 16
// weight rows in a panel.
#pragma once

#include <warpline/core.h>

#include <cstdint>

#include "core/options.h"
#include "core/rounding.h"

namespace wl::cpu {

// Steps of k in one call of pack_panel or expand_panel at most.
constexpr int64_t kPanelSteps = 256;

// Elements in a row of A with space for k of them, `size` bytes each: an odd number of cache lines, so that rows
// that follow each other fall into different cache sets.
constexpr int64_t padded_row(int64_t k, int64_t size) { return (ceil_div(k * size, 64) | 1) * 64 / size; }

// Copies a row of `count` elements to float32 (or, dot, bfloat16 to bfloat16) and fills it with zeros up to
// `padded` elements.
void prepare_row(Isa isa, bool dot, int32_t dtype, const void* source, void* target, int64_t count,
                 int64_t padded);

// Writes one panel from `rows` (1 to 16) weight rows of `count` elements, row_stride elements apart: float32 out
// of any type, or, in_pairs, 16-bit elements as they are, in pairs of k.
void pack_panel(Isa isa, bool in_pairs, int32_t dtype, const void* weight, int64_t row_stride, int64_t rows,
                int64_t count, void* panel);

// Turns a panel of 16-bit pairs into one of float32: `count` elements of k.
void expand_panel(Isa isa, int32_t dtype, const uint16_t* pairs, int64_t count, float* panel);

}  // namespace wl::cpu
