// The tile shapes of the product, and what each costs. One row serves sm_80 and sm_90; 86 and 89 run it too: no row takes
// more than 99 KiB of shared memory.
#pragma once

#include <cstdint>

namespace wl::cuda::product {

// A block of threads: m x n sums, steps of `row_bytes` bytes of k, `stages` of them in shared memory.
struct TileShape {
  int m, n;
  int row_bytes;
  int stages;
  int warps_m, warps_n;
  int blocks;  // on an SM at a time: bounds the registers

  constexpr int threads() const { return warps_m * warps_n * 32; }
  constexpr int shared_bytes() const { return stages * (m + n) * row_bytes; }
};

// What a block multiplies in: 16-bit types as they are, all else as float32.
enum class Multiply { kSixteenBit, kFloat32 };

// Cycles of an SM for one step of one block, all its blocks together at work, from the arithmetic of sm_80: 1024
// multiply-adds a cycle of the 16-bit types and 512 of tf32 (three a product), 128 bytes a cycle of shared memory. The way
// of the weights from memory comes on top (select.cpp). They serve the selection only, where ratios matter.
struct TuningRow {
  TileShape shape;
  int step_cycles;
  const char* bound;
};

constexpr TuningRow kSixteenBitTiles[] = {
    {{128, 128, 64, 5, 2, 2, 2}, 512, "tensor cores: 512 cycles a step; shared memory 384"},
    {{64, 64, 128, 4, 2, 2, 2}, 384, "shared memory: 384 cycles a step; tensor cores 256"},
    {{16, 64, 128, 6, 1, 4, 3}, 208, "memory: 8 KiB of weights a step, 512 cycles; shared memory 208"},
};
constexpr TuningRow kFloat32Tiles[] = {
    {{128, 64, 64, 5, 2, 2, 2}, 768, "tensor cores: three products, 768 cycles a step"},
    {{64, 64, 128, 4, 2, 2, 2}, 768, "tensor cores: three products, 768 cycles a step"},
    {{16, 64, 128, 6, 1, 4, 3}, 208, "memory: 8 KiB of weights a step, 512 cycles; shared memory 208"},
};
constexpr int kTileShapes = 3;
// Shapes from this one on have an instance that copies element by element.
constexpr int kFirstAnyShape = 1;
// And one that adds 16-bit products with rounding, for a float32 y; the first one's registers are full.
constexpr int kFirstPreciseShape = 1;

constexpr const TuningRow* tuning_rows(Multiply multiply) {
  return multiply == Multiply::kSixteenBit ? kSixteenBitTiles : kFloat32Tiles;
}

constexpr int kLargestSharedBytes = 99 * 1024;
constexpr bool rows_fit(const TuningRow (&rows)[kTileShapes]) {
  for (const TuningRow& row : rows) {
    const TileShape& s = row.shape;
    // The sums pass through the stages' memory at the end.
    if (s.shared_bytes() > kLargestSharedBytes || s.shared_bytes() < s.m * s.n * 4) return false;
  }
  return true;
}
static_assert(rows_fit(kSixteenBitTiles) && rows_fit(kFloat32Tiles));

// The rows kernel: blocks of four warps, four columns of y each.
constexpr int kRowsWarps = 4;
constexpr int kRowsColumns = 4;
constexpr int kRowsLimit = 8;  // rows of x
constexpr uint32_t kRowsSharedBytes = kRowsWarps * kRowsLimit * kRowsColumns * 4;
// Instances for 1, 2, up to 4 and up to 8 rows.
constexpr int rows_bucket(int64_t rows) { return rows <= 2 ? static_cast<int>(rows) - 1 : rows <= 4 ? 2 : 3; }

constexpr int kMergeThreads = 256;

}  // namespace wl::cuda::product
