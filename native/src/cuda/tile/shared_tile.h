// A matrix in shared memory whose rows are made of 16-byte chunks, placed so that eight rows of one chunk column, as
// ldmatrix reads them, and eight chunks of one row, as copies write them, lie in different banks.
//
//   rows of a multiple of 128 bytes:               rows of an odd multiple of 64 bytes:
//   chunk c lies at c ^ (row % 8)                  chunk c lies at c ^ (row / 2 % 4)
//
//   row 0 | 0 1 2 3 4 5 6 7 |                      row 0, 1 | 0 1 2 3 | 0 1 2 3 |
//   row 1 | 1 0 3 2 5 4 7 6 |                      row 2, 3 | 1 0 3 2 | 1 0 3 2 |
//   row 2 | 2 3 0 1 6 7 4 5 |                      row 4, 5 | 2 3 0 1 | 2 3 0 1 |
//   row 7 | 7 6 5 4 3 2 1 0 |                      row 6, 7 | 3 2 1 0 | 3 2 1 0 |
//         '---- 128 bytes --'                               '--- 128 bytes -----'
//
// The exclusive or stays within a group of 8 (of 4) chunks, so wider rows are groups side by side.
#pragma once

#include "cuda/ptx/shared.h"

namespace wl::cuda::tile {

constexpr int kChunkBytes = 16;

// Whether rows `stride` elements apart are whole chunks at 16-byte addresses, as copies by chunks need.
constexpr bool whole_chunks(uint64_t address, int64_t stride, int64_t columns, int element_bytes) {
  const int width = kChunkBytes / element_bytes;
  return address % kChunkBytes == 0 && stride % width == 0 && columns % width == 0;
}

template <int kRowCount, int kRowWidthBytes>
struct SharedTile {
  static_assert(kRowWidthBytes % 64 == 0 && kRowCount % 8 == 0);
  static constexpr int kRows = kRowCount;
  static constexpr int kRowBytes = kRowWidthBytes;
  static constexpr int kChunks = kRowBytes / kChunkBytes;
  static constexpr int kBytes = kRows * kRowBytes;
  // Chunks of a group, less one.
  static constexpr int kMask = kRowBytes % 128 == 0 ? 7 : 3;

  SharedAddress base;  // a multiple of 128

  static constexpr WL_HOST_DEVICE uint32_t swizzle(uint32_t row) {
    return kMask == 7 ? row & 7 : row >> 1 & 3;
  }
  static constexpr WL_HOST_DEVICE uint32_t offset(uint32_t row, uint32_t chunk) {
    return row * kRowBytes + (chunk ^ swizzle(row)) * kChunkBytes;
  }
  WL_DEVICE SharedAddress address(uint32_t row, uint32_t chunk) const { return base + offset(row, chunk); }
};

// A place in a tile from which others are reached by constant steps: whole groups of rows by addition, chunks by
// exclusive or, so that a loop over a tile costs next to no address arithmetic.
template <class Tile>
struct Cursor {
  SharedAddress place;

  // `chunk` must be a number that shares no bit with the steps below: 0 or 1 where the steps are even.
  static WL_DEVICE Cursor at(Tile tile, uint32_t row, uint32_t chunk) { return {tile.address(row, chunk)}; }
  // `rows` a multiple of 8.
  WL_DEVICE SharedAddress step(int rows, int chunks) const {
    return (place ^ static_cast<uint32_t>(chunks & Tile::kMask) * kChunkBytes) +
           static_cast<uint32_t>((chunks & ~Tile::kMask) * kChunkBytes + rows * Tile::kRowBytes);
  }
};

}  // namespace wl::cuda::tile
