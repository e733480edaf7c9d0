// The vector kernels of attention beside the products: packing of keys and values, softmax of a tile of scores,
// merging of blocks. One table for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/options.h"

namespace wl::cpu {

// Rows of keys, values or queries of one head, as the caller stores them.
struct SourceRows {
  const std::byte* data;
  int32_t dtype;
  int64_t stride;  // bytes
  int64_t count, width;
};

// Writes panels of product.h for a whole number of 16 keys: rows past `count` and columns past `width` are zeros.
// `panels` points to the first key's place; `temp` holds 16 rows of width + 16 floats.
using PackKeys = void (*)(const SourceRows& rows, float* temp, void* panels);
// `panel_stride` in elements, from 16 columns to the next 16.
using PackValues = void (*)(const SourceRows& rows, int64_t panel_stride, void* panels);

struct PackKernels {
  PackKeys keys_float, keys_pairs;
  PackValues values_float, values_pairs;
};
const PackKernels& pack_kernels(Isa isa);

// Scores of a tile of rows over some columns (keys) of one block, to be turned into probabilities in place.
struct ScoreTile {
  float* scores;
  int64_t stride;      // elements
  uint16_t* bfloat16;  // where probabilities go in bfloat16, else nullptr
  int64_t bfloat16_stride;
  int64_t rows, columns;  // columns: a multiple of 16
  float scale, softcap;
  const int32_t *begin, *end;  // of each row: the columns that it may attend
  const float* slope;          // of each row; nullptr: no ALiBi
  const int64_t* distance;     // of each row: its aligned position minus the key of column 0
  float *max, *sum;            // of each row, written: (-infinity, 0) where it may attend nothing here
};

struct SoftmaxKernels {
  // p = exp(s - max) for each row, s the final scores; exactly zero where the row may not attend.
  void (*scores)(const ScoreTile& tile);
  // Merges a block into what came before it: output, max and sum of each row. The arrays of maxima and sums hold
  // whole vectors (round_up(rows, 16)); `width` is a multiple of 16.
  void (*merge)(int64_t rows, int64_t width, float* output, int64_t output_stride, float* max, float* sum,
                const float* block, int64_t block_stride, const float* block_max, const float* block_sum);
  // target = row * factor, rounded to the type.
  // `row` holds whole vectors and is changed.
  void (*write)(float* row, float factor, int64_t width, int32_t dtype, void* target);
  // target = source in float32.
  void (*read)(const void* source, int32_t dtype, int64_t width, float* target);
};
const SoftmaxKernels& softmax_kernels(Isa isa);

}  // namespace wl::cpu
