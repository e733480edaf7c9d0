// What a block of the attention kernel works on: one head's tile of queries, and the keys of its sequence. Both wait in
// shared memory until they are needed, since the main loop has no registers to spare.
#pragma once

#include "cuda/attention/params.h"
#include "cuda/tile/copy.h"
#include "cuda/tile/mask.h"
#include "cuda/tile/scheduler.h"

namespace wl::cuda {

// The first element of a row of a head.
template <class T, class Work>
WL_DEVICE Global<T> attention_row(const AttentionOperand& t, const Work& w, int head, int row) {
  return Global<T>{static_cast<T*>(t.data)} +
         (w.sequence * t.batch_stride + head * t.head_stride + row * t.row_stride);
}

// Where the keys and the values of a sequence and head begin, how many there are, and where the tile's queries stand
// among them.
struct AttentionKeys {
  uint64_t k, v;  // addresses
  int rows;
  int position;  // of the tile's first query

  static constexpr int kBytes = 32;
  WL_DEVICE void keep(SharedAddress a, Site s = Site::here()) const {
    const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
    ptx::st_shared_v4_b32(a, {low(k), low(k >> 32), low(v), low(v >> 32)}, s);
    ptx::st_shared_v2_b32(a + 16, {static_cast<uint32_t>(rows), static_cast<uint32_t>(position)}, s);
  }
  // For copies of keys, or of values: the other address is 0.
  template <bool kValues>
  static WL_DEVICE AttentionKeys recall(SharedAddress a, Site s = Site::here()) {
    const U2 x = ptx::ld_shared_v2_b32(a + (kValues ? 8 : 0), s);
    const uint64_t address = x.x | static_cast<uint64_t>(x.y) << 32;
    return {kValues ? 0 : address, kValues ? address : 0, static_cast<int>(ptx::ld_shared_b32(a + 16, s)), 0};
  }
  // For masks, with queries counted from the tile's first.
  static WL_DEVICE tile::KeyBounds recall_bounds(SharedAddress a, const AttentionParams& p,
                                                 Site s = Site::here()) {
    const U2 x = ptx::ld_shared_v2_b32(a + 16, s);
    return {static_cast<int>(x.x), static_cast<int>(x.y), p.window_left, p.window_right};
  }
};

struct AttentionWork {
  int sequence, head;
  int first_query;                       // of the tile, from the sequence's first
  int q_begin, q_rows, k_begin, k_rows;  // rows of the tensors that are the sequence's
  int empty;                             // 1: there is no tile

  // Of queries counted from the tile's first.
  WL_DEVICE tile::KeyBounds bounds(const AttentionParams& p) const {
    return {k_rows, k_rows - q_rows + first_query, p.window_left, p.window_right};
  }
  WL_DEVICE AttentionKeys keys(const AttentionParams& p, int element_bytes) const {
    const auto address = [&](const AttentionOperand& t) {
      const int64_t element =
          sequence * t.batch_stride + head / p.group * t.head_stride + k_begin * t.row_stride;
      return reinterpret_cast<uint64_t>(t.data) + static_cast<uint64_t>(element * element_bytes);
    };
    return {address(p.k), address(p.v), k_rows, k_rows - q_rows + first_query};
  }

  static constexpr int kBytes = 32;
  WL_DEVICE void keep(SharedAddress a, Site s = Site::here()) const {
    const auto word = [](int x) { return static_cast<uint32_t>(x); };
    ptx::st_shared_v4_b32(a, {word(sequence), word(head), word(first_query), word(q_begin)}, s);
    ptx::st_shared_v4_b32(a + 16, {word(q_rows), word(k_begin), word(k_rows), word(empty)}, s);
  }
  static WL_DEVICE AttentionWork recall(SharedAddress a, Site s = Site::here()) {
    const auto number = [](uint32_t x) { return static_cast<int>(x); };
    const U4 x = ptx::ld_shared_v4_b32(a, s), y = ptx::ld_shared_v4_b32(a + 16, s);
    return {number(x.x), number(x.y), number(x.z), number(x.w),
            number(y.x), number(y.y), number(y.z), number(y.w)};
  }
};

namespace detail {

struct Rows {
  int begin, count;
};

// Rows of a sequence; offsets that leave the tensor are cut to it.
WL_DEVICE Rows sequence_rows(const AttentionIndices& offsets, int sequence, int rows, Site s) {
  if (!offsets.data) return {0, rows};
  const auto at = [&](int i) {
    const auto x = static_cast<int>(ptx::ld_global_nc_b32(offsets.data + i * offsets.stride, s));
    return x < 0 ? 0 : x > rows ? rows : x;
  };
  const int begin = at(sequence), end = at(sequence + 1);
  return {begin, end > begin ? end - begin : 0};
}

}  // namespace detail

// Blocks of a head follow each other, so that they share its keys in the second-level cache; the last queries, which see
// the most keys under a causal mask, come first.
WL_DEVICE AttentionWork find_attention_work(const AttentionParams& p, int rows_per_tile,
                                            Site s = Site::here()) {
  AttentionWork w{};
  const auto block = static_cast<int>(ptx::ctaid_x());
  const int index = block / p.tiles;
  tile::SequenceTile found{index / p.q_heads, block % p.tiles, p.tiles};
  w.head = index % p.q_heads;
  if (p.q_offsets.data) {
    found = tile::find_sequence_tile(p.q_offsets.data, p.q_offsets.stride, p.sequences, rows_per_tile,
                                     found.tile, s);
    if (found.sequence == p.sequences) {
      w.empty = 1;
      return w;
    }
  }
  w.sequence = found.sequence;
  const detail::Rows q = detail::sequence_rows(p.q_offsets, w.sequence, p.q_rows, s);
  const detail::Rows k = detail::sequence_rows(p.k_offsets, w.sequence, p.k_rows, s);
  w.q_begin = q.begin;
  w.q_rows = q.count;
  w.k_begin = k.begin;
  w.k_rows = k.count;
  if (p.k_used.data) {
    const auto used =
        static_cast<int>(ptx::ld_global_nc_b32(p.k_used.data + w.sequence * p.k_used.stride, s));
    w.k_rows = used < 0 ? 0 : used < k.count ? used : k.count;
  }
  w.first_query = (found.tiles - 1 - found.tile) * rows_per_tile;
  w.empty = w.first_query >= w.q_rows ? 1 : 0;
  return w;
}

}  // namespace wl::cuda
