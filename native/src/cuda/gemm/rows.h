// y = epilogue(x W^T) for one to eight rows of x, as fast as the weights come from memory. A block of four warps makes four
// columns of y: each weight is read once, and k is dealt out to warps and lanes a chunk (16 bytes of weights) at a time.
//
//   W row n     | w0 lanes 0-31 | w1 lanes 0-31 | w2 | w3 | w0 ...      k ->
//   W row n + 1 | w0            | w1            | w2 | w3 | w0 ...
//   W row n + 2 | w0 ...                 of a gated pair: w0 and w1 take the rows of W, w2 and w3 those of the other weight
//   W row n + 3 | w0 ...
//
// A lane has kDepth chunks of each of its four rows on their way, 48 to 96 KiB for an SM. x is read through the first level
// cache, which the weights pass by. Sums are float32: each lane's over its chunks in order, then the lanes, then the warps.
// Bound by memory; with eight rows, 9 to 12 of the 16 instructions that an SM can issue while a weight arrives are used.
#pragma once

#include "cuda/gemm/epilogue.h"
#include "cuda/gemm/tuning.h"
#include "cuda/ptx/special.h"
#include "cuda/ptx/sync.h"
#include "cuda/tile/element.h"

namespace wl::cuda::product {

// Chunks of each weight row that a lane has on their way, and blocks for each SM that the registers must leave room for:
// 8 KiB a chunk and block. Wide: x takes more registers than the weights.
constexpr int rows_depth(int rows, bool wide) { return wide && rows > 4 ? 3 : 2; }
constexpr int rows_blocks(int rows, bool wide) {
  if (rows <= 2) return wide ? 5 : 6;
  if (rows <= 4) return 4;
  return wide ? 2 : 3;
}

template <class Element, int kCount>
WL_DEVICE void widen_chunk(const U4& bits, float (&v)[kCount], int first) {
  const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
  WL_UNROLL
  for (int j = 0; j < 4; ++j) {
    if constexpr (sizeof(typename Element::Bits) == 2) {
      v[first + 2 * j] = Element::widen(static_cast<uint16_t>(words[j]));
      v[first + 2 * j + 1] = Element::widen(static_cast<uint16_t>(words[j] >> 16));
    } else {
      v[first + j] = Element::widen(words[j]);
    }
  }
}

// Rows of known types whose 16-byte chunks are aligned and whole.
template <class X, class W>
struct ChunkedRows {
  static constexpr int kCount = 16 / static_cast<int>(sizeof(typename W::Bits));  // elements of a chunk
  static constexpr bool kWide = sizeof(typename X::Bits) > sizeof(typename W::Bits);
  using Chunk = U4;
  using RowW = Global<const typename W::Bits>;
  using RowX = Global<const typename X::Bits>;
  static WL_DEVICE RowW row_w(const View& view, int64_t row) {
    return Elements{view.data, view.dtype}.at<typename W::Bits>(row * view.stride);
  }
  static WL_DEVICE RowX row_x(const View& view, int64_t row) {
    return Elements{view.data, view.dtype}.at<typename X::Bits>(row * view.stride);
  }
  static WL_DEVICE Chunk load(RowW row, int k, Site s) {
    return ptx::ld_global_nc_l1_no_allocate_v4_b32(row + k, s);
  }
  static WL_DEVICE void widen(const Chunk& chunk, float (&v)[kCount]) { widen_chunk<W>(chunk, v, 0); }
  static WL_DEVICE void load_x(RowX row, int k, float (&v)[kCount], Site s) {
    constexpr int kWidth = 16 / static_cast<int>(sizeof(typename X::Bits));
    WL_UNROLL
    for (int i = 0; i < kCount; i += kWidth) widen_chunk<X>(ptx::ld_global_nc_v4_b32(row + (k + i), s), v, i);
  }
};

// Rows of any types and alignment, element by element.
struct AnyRows {
  static constexpr int kCount = 1;
  static constexpr bool kWide = false;
  using Chunk = float;
  struct Row {
    Elements elements;
    int64_t first;
  };
  using RowW = Row;
  using RowX = Row;
  static WL_DEVICE Row row_w(const View& view, int64_t row) {
    return {{view.data, view.dtype}, row * view.stride};
  }
  static WL_DEVICE Row row_x(const View& view, int64_t row) { return row_w(view, row); }
  static WL_DEVICE Chunk load(const Row& row, int k, Site s) {
    return load_one(row.elements, row.first + k, s);
  }
  static WL_DEVICE void widen(Chunk chunk, float (&v)[1]) { v[0] = chunk; }
  static WL_DEVICE void load_x(const Row& row, int k, float (&v)[1], Site s) { v[0] = load(row, k, s); }
};

// The warp's part of the sums of kRows rows of x with four weight rows: chunks first_chunk, first_chunk + chunk_step, ...
template <class Rows, int kRows>
struct RowSums {
  static constexpr int kDepth = rows_depth(kRows, Rows::kWide);
  static constexpr int kCount = Rows::kCount;
  typename Rows::RowW w[kRowsColumns];
  typename Rows::RowX x[kRows];
  float sum[kRows][kRowsColumns] = {};

  WL_DEVICE void add_all(int first_chunk, int chunk_step, int depth, Site s = Site::here()) {
    typename Rows::Chunk chunks[kDepth][kRowsColumns] = {};
    const int step = chunk_step * kCount;
    int k = first_chunk * kCount;
    WL_UNROLL
    for (int d = 0; d < kDepth; ++d) load(chunks[d], k + d * step, depth, s);
    WL_NO_UNROLL
    for (; k < depth; k += kDepth * step) {
      WL_UNROLL
      for (int d = 0; d < kDepth; ++d) {
        if (k + d * step < depth) add(chunks[d], k + d * step, s);
        load(chunks[d], k + (d + kDepth) * step, depth, s);
      }
    }
  }

 private:
  WL_DEVICE void load(typename Rows::Chunk (&chunk)[kRowsColumns], int k, int depth, Site s) const {
    if (k >= depth) return;
    WL_UNROLL
    for (int c = 0; c < kRowsColumns; ++c) chunk[c] = Rows::load(w[c], k, s);
  }
  WL_DEVICE void add(const typename Rows::Chunk (&chunk)[kRowsColumns], int k, Site s) {
    float weight[kRowsColumns][kCount];
    WL_UNROLL
    for (int c = 0; c < kRowsColumns; ++c) Rows::widen(chunk[c], weight[c]);
    WL_UNROLL
    for (int r = 0; r < kRows; ++r) {
      float v[kCount];
      Rows::load_x(x[r], k, v, s);
      WL_UNROLL
      for (int c = 0; c < kRowsColumns; ++c) {
        WL_UNROLL
        for (int i = 0; i < kCount; ++i) sum[r][c] = ptx::fma_rn_f32(v[i], weight[c][i], sum[r][c]);
      }
    }
  }
};

// kRows >= p.m; rows of x past it repeat the last one and are not stored.
template <class Rows, int kRows>
WL_KERNEL(kRowsWarps * 32, rows_blocks(kRows, Rows::kWide))
rows(const WL_GRID_CONSTANT GemmParams p) {
  const uint32_t warp = ptx::tid_x() / 32, lane = ptx::laneid();
  const bool gated = p.gated;
  const uint32_t parts = gated ? kRowsWarps / 2 : kRowsWarps;  // warps that share a weight's rows
  const View& weight = warp < parts ? p.weight : p.up;
  const int first = static_cast<int>(ptx::ctaid_x()) * kRowsColumns;

  RowSums<Rows, kRows> sums;
  WL_UNROLL
  for (int c = 0; c < kRowsColumns; ++c)
    sums.w[c] = Rows::row_w(weight, first + c < p.n ? first + c : p.n - 1);
  WL_UNROLL
  for (int r = 0; r < kRows; ++r) sums.x[r] = Rows::row_x(p.x, r < p.m ? r : p.m - 1);
  sums.add_all(static_cast<int>(warp % parts * 32 + lane), static_cast<int>(parts * 32), p.k);

  const SharedAddress shared = ptx::shared_base();
  WL_UNROLL
  for (int r = 0; r < kRows; ++r) {
    WL_UNROLL
    for (int c = 0; c < kRowsColumns; ++c) {
      WL_UNROLL
      for (uint32_t mask = 16; mask > 0; mask /= 2)
        sums.sum[r][c] += ptx::shfl_sync_bfly_f32(sums.sum[r][c], mask);
    }
    if (lane == 0) {
      ptx::st_shared_v4_b32(shared + (warp * kRows + static_cast<uint32_t>(r)) * 16,
                            U4{ptx::mov_b32_f32(sums.sum[r][0]), ptx::mov_b32_f32(sums.sum[r][1]),
                               ptx::mov_b32_f32(sums.sum[r][2]), ptx::mov_b32_f32(sums.sum[r][3])});
    }
  }
  ptx::bar_sync();
  const uint32_t row = ptx::tid_x();
  if (row >= static_cast<uint32_t>(p.m)) return;
  float total[2][4] = {};
  for (uint32_t w = 0; w < kRowsWarps; ++w) {
    const U4 bits = ptx::ld_shared_v4_b32(shared + (w * kRows + row) * 16);
    const float part[4] = {ptx::mov_f32_b32(bits.x), ptx::mov_f32_b32(bits.y), ptx::mov_f32_b32(bits.z),
                           ptx::mov_f32_b32(bits.w)};
    WL_UNROLL
    for (int c = 0; c < 4; ++c) {
      if (w < parts) total[0][c] += part[c];
      if (w >= parts) total[1][c] += part[c];
    }
  }
  finish(p, static_cast<int>(row), columns_at(p, first), total[0], total[1]);
}

}  // namespace wl::cuda::product
