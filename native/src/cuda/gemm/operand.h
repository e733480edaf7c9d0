// Copies of one operand's rows, a step of k at a time, into shared tiles. A thread keeps one pointer a pass, so that a step
// costs one addition for each 16 bytes that it copies.
//
//            16-byte chunks of k                     rows of the tile of a gated pair
//   row r    t0 t1 t2 t3                             | weight rows first .. first + kRows/2 |
//   row r+1  t4 t5 t6 t7      pass 0                 | up     rows first .. first + kRows/2 |
//   ...      ------------
//            t0 t1 t2 t3      pass 1
//
// Rows past the operand repeat its last row: what they multiply to is never stored. Elements past the end of k become
// zeros and are not read.
#pragma once

#include <warpline/core.h>  // WL_DTYPE_*

#include <type_traits>

#include "cuda/gemm/params.h"
#include "cuda/ptx/async.h"
#include "cuda/tile/element.h"
#include "cuda/tile/elements.h"
#include "cuda/tile/shared_tile.h"

namespace wl::cuda::product {

// kAsync: cp.async; the operands have the element's type, 16-byte aligned rows, and k ends with a whole chunk. Else element
// by element, from any of the types that Element holds exactly.
template <class Element, class Tile, int kThreads, bool kAsync>
class OperandCopy {
  using Bits = typename Element::Bits;
  static constexpr int kWidth = tile::kChunkBytes / static_cast<int>(sizeof(Bits));  // elements of a chunk
  static constexpr int kRowsPerPass = kThreads / Tile::kChunks;
  static constexpr int kPasses = Tile::kRows / kRowsPerPass;
  static_assert(Tile::kRows % kRowsPerPass == 0 && kRowsPerPass % 8 == 0);

 public:
  static constexpr int kDepth = Tile::kChunks * kWidth;  // elements of k in a step

  // Tile rows are rows first_row.. of `first`, or (second != nullptr) of `first` and then of `second`. `rows` of them
  // exist. `left` elements of k from k_begin on are wanted.
  WL_DEVICE OperandCopy(const View& first, const View* second, int first_row, int rows, int k_begin, int left,
                        uint32_t thread)
      : offset_(Tile::offset(thread / Tile::kChunks, thread % Tile::kChunks)) {
    const int column = static_cast<int>(thread % Tile::kChunks) * kWidth;
    left_ = left - column;
    const int half = second == nullptr ? Tile::kRows : Tile::kRows / 2;
    WL_UNROLL
    for (int pass = 0; pass < kPasses; ++pass) {
      const int r = static_cast<int>(thread / Tile::kChunks) + pass * kRowsPerPass;
      const View& from = r < half ? first : *second;
      const int wanted = first_row + (r < half ? r : r - half);
      const int64_t row = wanted < rows ? wanted : rows - 1;
      source_[pass] = {{from.data, from.dtype}, row * from.stride + k_begin + column};
    }
  }

  // The next step into a tile.
  WL_DEVICE void copy(Tile tile, Site s = Site::here()) {
    WL_UNROLL
    for (int pass = 0; pass < kPasses; ++pass) {
      const SharedAddress target =
          tile.base + offset_ + static_cast<uint32_t>(pass * kRowsPerPass * Tile::kRowBytes);
      source_[pass].copy(target, left_, s);
      source_[pass].advance(kDepth);
    }
    left_ -= kDepth;
  }

 private:
  struct AsyncSource {
    Global<const Bits> at;
    AsyncSource() = default;
    WL_DEVICE AsyncSource(const Elements& elements, int64_t i) : at(elements.at<Bits>(i)) {}
    WL_DEVICE void copy(SharedAddress target, int left, Site s) const {
      ptx::cp_async_cg_16(target, at, left > 0, s);
    }
    WL_DEVICE void advance(int elements) { at = at + elements; }
  };
  struct ElementSource {
    Elements elements;
    int64_t i;
    WL_DEVICE void copy(SharedAddress target, int left, Site s) const {
      uint32_t words[4] = {};
      WL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        if (j >= left) continue;
        if constexpr (sizeof(Bits) == 2) {
          const uint32_t bits = ptx::ld_global_nc_b16(elements.at<uint16_t>(i + j), s);
          words[j / 2] |= bits << (16 * (j % 2));
        } else {
          words[j] = ptx::mov_b32_f32(load_one(elements, i + j, s));
        }
      }
      ptx::st_shared_v4_b32(target, U4{words[0], words[1], words[2], words[3]}, s);
    }
    WL_DEVICE void advance(int elements) { i += elements; }
  };

  uint32_t offset_;
  int left_;
  std::conditional_t<kAsync, AsyncSource, ElementSource> source_[kPasses];
};

}  // namespace wl::cuda::product
