// Where attention's results go: a warp's rows of o and lse.
//
//   16-bit o:  C fragments -> the warp's rows of a swizzled tile -> 16 bytes a thread, whole rows
//   float32:   C fragments -> 8 bytes a thread: the four lanes of a row write 32 bytes, a sector
#pragma once

#include "cuda/attention/work.h"
#include "cuda/tile/copy.h"
#include "cuda/tile/softmax.h"

namespace wl::cuda {

// Scales the rows and writes their lse. Rows of a warp begin at `first_row` of the block's tile.
template <int kM, int kD, bool kPrecise>
WL_DEVICE void finish_rows(tile::FragmentC (&o)[kM][kD][2], const tile::OnlineSoftmax<kM, kPrecise>& softmax,
                           const AttentionParams& p, const AttentionWork& w, int first_row,
                           Site s = Site::here()) {
  float sink = tile::kMinusInfinity;
  if (p.sinks) sink = ptx::mov_f32_b32(ptx::ld_global_nc_b32(p.sinks + w.head * p.sink_stride, s));
  WL_UNROLL
  for (int row = 0; row < 2 * kM; ++row) {
    const tile::RowEnd end = softmax.finish(row, sink, s);
    WL_UNROLL
    for (int d = 0; d < 4 * kD; ++d) {
      float& x = o[row / 2][d / 4][d / 2 % 2].x[row % 2 * 2 + d % 2];
      x = x * end.scale;
    }
    const int query =
        w.first_query + first_row + row / 2 * 16 + static_cast<int>(tile::FragmentC::row(row % 2 * 2));
    if (p.lse.data != nullptr && ptx::laneid() % 4 == 0 && query < w.q_rows) {
      ptx::st_global_b32(attention_row<uint32_t>(p.lse, w, w.head, w.q_begin + query),
                         ptx::mov_b32_f32(end.lse), s);
    }
  }
}

template <int kM, int kD>
WL_DEVICE void store_float32(const tile::FragmentC (&o)[kM][kD][2], const AttentionParams& p,
                             const AttentionWork& w, int first_row, Site s = Site::here()) {
  WL_UNROLL
  for (int row = 0; row < 2 * kM; ++row) {
    const int query =
        w.first_query + first_row + row / 2 * 16 + static_cast<int>(tile::FragmentC::row(row % 2 * 2));
    if (query >= w.q_rows) continue;
    const auto out = attention_row<uint32_t>(p.o, w, w.head, w.q_begin + query);
    WL_UNROLL
    for (int d = 0; d < 2 * kD; ++d) {
      const float* x = &o[row / 2][d / 2][d % 2].x[row % 2 * 2];
      const int column = d * 8 + static_cast<int>(tile::FragmentC::column(0));
      if (p.chunked_o) {
        if (column < p.d_v)
          ptx::st_global_v2_b32(out + column, {ptx::mov_b32_f32(x[0]), ptx::mov_b32_f32(x[1])}, s);
      } else {
        if (column < p.d_v) ptx::st_global_b32(out + column, ptx::mov_b32_f32(x[0]), s);
        if (column + 1 < p.d_v) ptx::st_global_b32(out + (column + 1), ptx::mov_b32_f32(x[1]), s);
      }
    }
  }
}

// Through the warp's own rows of `tile`, which nobody else may still use.
template <class Element, class Tile, int kM, int kD>
WL_DEVICE void store_rounded(const tile::FragmentC (&o)[kM][kD][2], Tile tile, const AttentionParams& p,
                             const AttentionWork& w, int first_row, Site s = Site::here()) {
  using Bits = typename Element::Bits;
  constexpr int kWidth = tile::kChunkBytes / static_cast<int>(sizeof(Bits));
  const uint32_t lane = ptx::laneid();
  WL_UNROLL
  for (int row = 0; row < 2 * kM; ++row) {
    const uint32_t at = static_cast<uint32_t>(first_row + row / 2 * 16) + tile::FragmentC::row(row % 2 * 2);
    WL_UNROLL
    for (int d = 0; d < 2 * kD; ++d) {
      const float* x = &o[row / 2][d / 2][d % 2].x[row % 2 * 2];
      ptx::st_shared_b32(tile.address(at, static_cast<uint32_t>(d)) + lane % 4 * 4, Element::pack(x[0], x[1]),
                         s);
    }
  }
  ptx::bar_warp_sync(ptx::kAllLanes, s);
  const auto out = [&](int row) {
    return attention_row<Bits>(p.o, w, w.head, w.q_begin + w.first_query + first_row + row);
  };
  const int left = w.q_rows - w.first_query - first_row, rows = left < 16 * kM ? left : 16 * kM;
  if (p.chunked_o) {
    WL_NO_UNROLL
    for (int i = static_cast<int>(lane); i < rows * Tile::kChunks; i += 32) {
      const int row = i / Tile::kChunks, chunk = i % Tile::kChunks;
      if (chunk * kWidth >= p.d_v) continue;
      const U4 x = ptx::ld_shared_v4_b32(
          tile.address(static_cast<uint32_t>(first_row + row), static_cast<uint32_t>(chunk)), s);
      ptx::st_global_v4_b32(out(row) + chunk * kWidth, x, s);
    }
  } else {
    WL_NO_UNROLL
    for (int row = 0; row < rows; ++row) {
      WL_NO_UNROLL
      for (int column = static_cast<int>(lane); column < p.d_v; column += 32) {
        const SharedAddress chunk =
            tile.address(static_cast<uint32_t>(first_row + row), static_cast<uint32_t>(column / kWidth));
        const auto within = static_cast<uint32_t>(column % kWidth) * static_cast<uint32_t>(sizeof(Bits));
        ptx::st_global_b16(out(row) + column, ptx::ld_shared_b16(chunk + within, s), s);
      }
    }
  }
}

}  // namespace wl::cuda
