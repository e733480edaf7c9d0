// Fragments: the parts of a warp's matrices that one thread holds for mma.sync, with g = lane / 4 and t = lane % 4.
//
//   A (16 x 16, m x k)             B (16 x 8, k x n), as its               C (16 x 8, m x n)
//          k 0-7      8-15         transpose n x k                              n 0-7
//   m 0-7  | x[0] |  | x[2] |             k 0-7     8-15                 m 0-7  | x[0] x[1] |
//   m 8-15 | x[1] |  | x[3] |      n 0-7  | x[0] |  | x[1] |             m 8-15 | x[2] x[3] |
//   thread (g, 2t..2t + 1)         thread (g, 2t..2t + 1)                thread (g, 2t), (g, 2t + 1)
//
// A register of A and B holds two elements that follow each other in k. Two C fragments side by side, rounded and packed,
// are one A fragment: what a product returns can multiply again without leaving its thread.
#pragma once

#include "cuda/ptx/special.h"
#include "cuda/tile/element.h"
#include "cuda/tile/shared_tile.h"

namespace wl::cuda::tile {

struct FragmentA {
  uint32_t x[4];
};

// Two B fragments side by side: 16 x 16 (k x n), n 0-7 and n 8-15.
struct FragmentB2 {
  uint32_t x[2][2];
};

struct FragmentC {
  float x[4];
  // Where element i lies, from the fragment's corner.
  static WL_DEVICE uint32_t row(int i) { return ptx::laneid() / 4 + 8 * static_cast<uint32_t>(i / 2); }
  static WL_DEVICE uint32_t column(int i) { return ptx::laneid() % 4 * 2 + static_cast<uint32_t>(i % 2); }
};

// Where a lane points for load_a and load_b_transposed: row lane % 16, chunk lane / 16 of 16 x 16 elements.
template <class Tile>
WL_DEVICE Cursor<Tile> row_cursor(Tile tile, uint32_t first_row) {
  const uint32_t lane = ptx::laneid();
  return Cursor<Tile>::at(tile, first_row + lane % 16, lane / 16);
}
// Where a lane points for load_b: the matrices of one n come first.
template <class Tile>
WL_DEVICE Cursor<Tile> column_cursor(Tile tile, uint32_t first_row) {
  const uint32_t lane = ptx::laneid();
  return Cursor<Tile>::at(tile, first_row + lane % 8 + lane / 16 * 8, lane / 8 % 2);
}

// A from a tile of rows m with k along the rows: elements (m..m + 15, k..k + 15), m and k multiples of 16.
template <class Tile>
WL_DEVICE FragmentA load_a(const Cursor<Tile>& rows, int m, int k, Site s = Site::here()) {
  FragmentA a;
  ptx::ldmatrix_x4(a.x, rows.step(m, k / 8), s);
  return a;
}
// B from a tile of rows n with k along the rows (weights, keys): elements (n..n + 15, k..k + 15).
template <class Tile>
WL_DEVICE FragmentB2 load_b(const Cursor<Tile>& columns, int n, int k, Site s = Site::here()) {
  uint32_t x[4];
  ptx::ldmatrix_x4(x, columns.step(n, k / 8), s);
  return {{{x[0], x[1]}, {x[2], x[3]}}};
}
// B from a tile of rows k with n along the rows (values): elements (k..k + 15, n..n + 15).
template <class Tile>
WL_DEVICE FragmentB2 load_b_transposed(const Cursor<Tile>& rows, int k, int n, Site s = Site::here()) {
  uint32_t x[4];
  ptx::ldmatrix_x4_trans(x, rows.step(k, n / 8), s);
  return {{{x[0], x[1]}, {x[2], x[3]}}};
}

// c[0], c[1] (16 x 16 side by side) += a b
template <class Element>
WL_DEVICE void multiply(FragmentC (&c)[2], const FragmentA& a, const FragmentB2& b, Site s = Site::here()) {
  Element::multiply(c[0].x, a.x, b.x[0][0], b.x[0][1], s);
  Element::multiply(c[1].x, a.x, b.x[1][0], b.x[1][1], s);
}

// Two C fragments side by side as an A fragment.
template <class Element>
WL_DEVICE FragmentA to_a(const FragmentC (&c)[2]) {
  return {{Element::pack(c[0].x[0], c[0].x[1]), Element::pack(c[0].x[2], c[0].x[3]),
           Element::pack(c[1].x[0], c[1].x[1]), Element::pack(c[1].x[2], c[1].x[3])}};
}

}  // namespace wl::cuda::tile
