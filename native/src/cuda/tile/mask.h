// Which keys a query may attend, as bounds that grow with the query, so that most blocks of keys need no mask.
//
//   causal window:   keys ->
//   query            . . x x x x . . . .      x: begin(query) <= key < end(query)
//     |              . . . x x x x . . .
//     v              . . . . x x x x . .      position(query) = query + keys - queries: the ends are aligned
//
//   For rows [first, last] of a tile a block of keys is
//     skipped   left of begin(first) or right of end(last),
//     unmasked  from begin(last) to end(first),
//     masked    elsewhere.
#pragma once

#include "cuda/tile/softmax.h"

namespace wl::cuda::tile {

struct KeyBounds {
  int keys;         // of the sequence
  int offset;       // keys - queries
  int left, right;  // keys beside the position, at most kUnbounded

  static constexpr int kUnbounded = 1 << 30;  // as long as any sequence; sums of two stay within int

  WL_DEVICE int position(int query) const { return query + offset; }
  WL_DEVICE int begin(int query) const {
    const int first = position(query) - left;
    return first > 0 ? first : 0;
  }
  WL_DEVICE int end(int query) const {
    const int last = position(query) + right;
    return last < keys ? last + 1 : keys;  // 0 or less: none
  }
};

// How many of a thread's keys, 2t and 2t + 1 of each eight, counted from key 2t, come before `key`.
WL_DEVICE int keys_before(int key) {
  const int rest = key & 7;
  return key <= 0 ? 0 : key / 8 * 2 + (rest < 2 ? rest : 2);
}

WL_DEVICE uint32_t low_bits(int count) { return count >= 32 ? 0xffffffffu : (1u << count) - 1; }

// Scores of the keys that a row may not attend become -infinity. Queries count as the bounds' do, keys from the
// sequence's first. A row's keys become bits, since two bounds a row would take more registers than are free.
template <int kM, int kN>
WL_DEVICE void apply_mask(FragmentC (&scores)[kM][kN][2], const KeyBounds& bounds, int first_query,
                          int first_key) {
  static_assert(4 * kN <= 32);
  WL_UNROLL
  for (int row = 0; row < 2 * kM; ++row) {
    const int query = first_query + row / 2 * 16 + static_cast<int>(FragmentC::row(row % 2 * 2));
    const int corner = first_key + static_cast<int>(FragmentC::column(0));
    const uint32_t bits = low_bits(keys_before(bounds.end(query) - corner)) &
                          ~low_bits(keys_before(bounds.begin(query) - corner));
    WL_UNROLL
    for (int n = 0; n < 4 * kN; ++n) {
      float& score = scores[row / 2][n / 4][n / 2 % 2].x[row % 2 * 2 + n % 2];
      score = (bits >> n & 1) != 0 ? score : kMinusInfinity;
    }
  }
}

}  // namespace wl::cuda::tile
