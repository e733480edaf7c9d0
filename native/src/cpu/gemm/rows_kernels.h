// The inner kernels of gemm_rows: dot products of a few rows of x with rows of a plain weight.
//
// A tile is four weight rows, a quarter of the call's rows apart, so that a worker reads four long runs of memory,
// which the processor's own prefetching follows:
//
//   rows 0..63      ==>------------
//   rows 64..127    ==>------------     rows that do not fill four runs follow one by one
//   rows 128..191   ==>------------
//   rows 192..255   ==>------------
//
// More than four rows of x take a tile a second time, from the cache.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/options.h"

namespace wl::cpu {

struct DotRows {
  const void* x;  // m rows in the product's type, zeros from k up to a multiple of 32
  int64_t x_stride;
  int64_t m;           // 1 to 8
  const void* weight;  // `rows` rows of k elements
  int64_t weight_stride;
  int64_t rows;
  int64_t k;
  float* out;  // out[i * out_stride + r] = x row i . weight row r
  int64_t out_stride;
};

// Calls tile.run<weight rows, rows of x>(first weight row, distance of rows, first row of x) for all of the call.
template <class Tile>
void for_each_tile(const DotRows& p, const Tile& tile) {
  const auto rows = [&]<int kRows>(int64_t row, int64_t distance) {
    for (int64_t m = 0; m < p.m; m += 4) {
      switch (std::min<int64_t>(4, p.m - m)) {
        case 1:
          tile.template run<kRows, 1>(row, distance, m);
          break;
        case 2:
          tile.template run<kRows, 2>(row, distance, m);
          break;
        case 3:
          tile.template run<kRows, 3>(row, distance, m);
          break;
        default:
          tile.template run<kRows, 4>(row, distance, m);
      }
    }
  };
  const int64_t quarter = p.rows / 4;
  for (int64_t row = 0; row < quarter; ++row) rows.template operator()<4>(row, quarter);
  for (int64_t row = 4 * quarter; row < p.rows; ++row) rows.template operator()<1>(row, 0);
}

// float32 x with weights of any type.
void dot_rows(Isa isa, int32_t weight_dtype, const DotRows& p);
// bfloat16 with bfloat16; the machine must have AVX-512 BF16.
void dot_rows_bfloat16(const DotRows& p);

}  // namespace wl::cpu
