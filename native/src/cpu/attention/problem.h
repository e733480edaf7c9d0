// What a checked attention call is about: views of its tensors, its sequences, and which keys a row may attend.
#pragma once

#include <warpline/attention.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/options.h"
#include "core/rounding.h"

namespace wl::cpu {

// Rows of queries that share one pass over a block of keys, and keys in a block. Blocks begin at multiples of
// kBlockKeys from a sequence's first key: sums are taken block by block, so that their order depends on a key's
// absolute position only. Both measured: docs/kernels/attention.md.
constexpr int64_t kTileRows = 64;
constexpr int64_t kBlockKeys = 256;

// A tensor of sequence rows and heads, dense or packed, with strides in bytes.
struct View {
  std::byte* data = nullptr;
  int32_t dtype = WL_DTYPE_NONE;
  int64_t batch_stride = 0, row_stride = 0, head_stride = 0;

  std::byte* at(int64_t batch, int64_t row, int64_t head) const {
    return data + batch * batch_stride + row * row_stride + head * head_stride;
  }
};

// Rows of q and of k/v that form one sequence (offsets are zero in dense tensors).
struct Sequence {
  int64_t q_begin, q_length, k_begin, k_length;
  bool split;  // by which kernel it is served
};

struct KeyRange {
  int64_t begin, end;
  bool empty() const { return begin >= end; }
};

struct Problem {
  int64_t sequences, q_heads, k_heads, group;  // group = query heads that share a key head
  int64_t d_qk, d_v;
  float scale, softcap;
  bool causal;
  int64_t window_left, window_right;  // negative: no bound
  bool pairs;                         // products in bfloat16 pairs, else in float32
  Isa isa;
  View q, k, v, o, lse;
  wl_tensor alibi_slopes, sinks;

  bool has_alibi() const { return alibi_slopes.dtype != WL_DTYPE_NONE; }
  float slope(int64_t batch, int64_t head) const;
  bool has_sinks() const { return sinks.dtype != WL_DTYPE_NONE; }
  float sink(int64_t head) const;

  // Rows of a sequence that share a key head: row r is query r / group of head (key head) * group + r % group.
  int64_t rows(const Sequence& s) const { return s.q_length * group; }
  // Keys that query i of a sequence may attend; both ends grow with i.
  KeyRange visible(const Sequence& s, int64_t query) const;
  // Blocks of keys that rows [begin, end) of a sequence may attend.
  KeyRange blocks(const Sequence& s, int64_t row_begin, int64_t row_end) const;

  // Elements of a row of queries, and of packed keys and values: of 16 keys, of a block, from one panel of values to
  // the next.
  int64_t key_panel() const { return (pairs ? round_up(d_qk, 2) : d_qk) * 16; }
  int64_t key_block() const { return key_panel() * (kBlockKeys / 16); }
  int64_t value_panel() const { return kBlockKeys * 16 + 16; }  // not a power of two, for the cache's sets
  int64_t value_block() const { return value_panel() * ceil_div(d_v, 16); }
  int64_t element_bytes() const { return pairs ? 2 : 4; }
};

Problem make_problem(const wl_attention_params& params, int64_t sequences);
Sequence sequence_at(const wl_attention_params& params, int64_t index);

}  // namespace wl::cpu
