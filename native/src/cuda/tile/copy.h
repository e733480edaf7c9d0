// Copies of a matrix in global memory into a shared tile, by all threads of a block. What lies outside the matrix becomes
// zero and is never read.
//
//            kLanes threads, 16 bytes each                tile of 12 chunks, kLanes = 4:
//           |<---- 8 or 4 ---->|                          pass 0 | t0 t1 t2 t3 | t0 t1 t2 t3 | t0 t1 t2 t3 |
//   row r    t0 t1 t2 t3 t4 ...   then the next kLanes           | t4 t5 ...
//   row r+1  t8 t9 ...            chunks of the same rows;  pass 1 kRowsPerPass rows below
//
// A thread keeps its column and its place in the swizzle: a step to the next pass adds a constant to the shared address
// and one row stride to the global one.
#pragma once

#include "cuda/ptx/async.h"
#include "cuda/tile/element.h"
#include "cuda/tile/shared_tile.h"

namespace wl::cuda::tile {

// A matrix of bit patterns whose rows are `stride` elements apart.
template <class Bits>
struct Matrix {
  Global<const Bits> data;
  int64_t stride;
  int rows, columns;

  // Whether rows are whole chunks at 16-byte addresses, as copy_async needs.
  static constexpr bool chunked(uint64_t address, int64_t stride, int64_t columns) {
    return whole_chunks(address, stride, columns, static_cast<int>(sizeof(Bits)));
  }
};

template <class Tile, class Bits, int kThreads>
class TileCopy {
  static constexpr int kWidth = kChunkBytes / static_cast<int>(sizeof(Bits));  // elements of a chunk
  static constexpr int kLanes = Tile::kMask + 1;
  static constexpr int kRowsPerPass = kThreads / kLanes;
  static constexpr int kPasses = (Tile::kRows + kRowsPerPass - 1) / kRowsPerPass;
  static_assert(Tile::kChunks % kLanes == 0 && kThreads % kLanes == 0 && kRowsPerPass % 8 == 0);

 public:
  WL_DEVICE TileCopy(const Matrix<Bits>& matrix, uint32_t thread)
      : row_(static_cast<int>(thread / kLanes)),
        column_(static_cast<int>(thread % kLanes) * kWidth),
        offset_(Tile::offset(thread / kLanes, thread % kLanes)),
        rows_(matrix.rows),
        columns_(matrix.columns),
        stride_(matrix.stride),
        source_(matrix.data + row_ * matrix.stride + column_) {}

  // Rows [first, first + kRows) by cp.async; Matrix::chunked must hold. kWhole: all of them are rows of the matrix.
  template <bool kWhole = false>
  WL_DEVICE void copy_async(Tile tile, int first, Site s = Site::here()) const {
    Global<const Bits> source = source_ + first * stride_;
    const int rows = rows_ - first - row_;
    WL_UNROLL
    for (int pass = 0; pass < kPasses; ++pass) {
      if (!covers(pass)) break;
      WL_UNROLL
      for (int chunk = 0; chunk < Tile::kChunks; chunk += kLanes) {
        const bool valid = (kWhole || pass * kRowsPerPass < rows) && column_ + chunk * kWidth < columns_;
        ptx::cp_async_cg_16(target(tile, pass, chunk), source + chunk * kWidth, valid, s);
      }
      source = source + kRowsPerPass * stride_;
    }
  }
  // From now on rows are counted from `rows` further down.
  WL_DEVICE void move(int rows) {
    rows_ -= rows;
    source_ = source_ + rows * stride_;
  }
  // The same element by element, for rows of any alignment and width: elements of four bytes by cp.async, smaller ones
  // are there when the call returns.
  WL_DEVICE void copy_elements(Tile tile, int first, Site s = Site::here()) const {
    WL_NO_UNROLL
    for (int pass = 0; pass < kPasses; ++pass) {
      if (!covers(pass)) break;
      const bool row = first + row_ + pass * kRowsPerPass < rows_;
      const Global<const Bits> source = source_ + (first + pass * kRowsPerPass) * stride_;
      WL_NO_UNROLL
      for (int chunk = 0; chunk < Tile::kChunks; chunk += kLanes) {
        const int count = row ? columns_ - column_ - chunk * kWidth : 0;
        const SharedAddress at = target(tile, pass, chunk);
        if constexpr (sizeof(Bits) == 4) {
          WL_UNROLL
          for (int i = 0; i < kWidth; ++i) {
            ptx::cp_async_ca_4(at + static_cast<uint32_t>(4 * i), source + (chunk * kWidth + i), i < count,
                               s);
          }
        } else {
          ptx::st_shared_v4_b32(at, gather(source + chunk * kWidth, count, s), s);
        }
      }
    }
  }

 private:
  WL_DEVICE bool covers(int pass) const {
    return Tile::kRows % kRowsPerPass == 0 || row_ + pass * kRowsPerPass < Tile::kRows;
  }
  WL_DEVICE SharedAddress target(Tile tile, int pass, int chunk) const {
    return tile.base + offset_ +
           static_cast<uint32_t>(pass * kRowsPerPass * Tile::kRowBytes + chunk * kChunkBytes);
  }
  // The first `count` elements of a chunk, zeros after them.
  static WL_DEVICE U4 gather(Global<const Bits> source, int count, Site s) {
    uint32_t words[4] = {};
    WL_UNROLL
    for (int i = 0; i < kWidth; ++i) {
      if (i >= count) continue;
      words[i / 2] |= static_cast<uint32_t>(ptx::ld_global_nc_b16(source + i, s)) << (16 * (i % 2));
    }
    return {words[0], words[1], words[2], words[3]};
  }

  int row_, column_;
  uint32_t offset_;
  int rows_, columns_;
  int64_t stride_;
  Global<const Bits> source_;
};

}  // namespace wl::cuda::tile
