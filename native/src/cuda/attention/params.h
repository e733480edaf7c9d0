// What an attention kernel is told: checked by the launcher, plain data.
#pragma once

#include <cstdint>

#include "cuda/ptx/global.h"

namespace wl::cuda {

// A tensor of sequence rows and heads, dense or packed; strides in elements (the batch's is 0 where packed).
struct AttentionOperand {
  void* data;
  int64_t batch_stride, row_stride, head_stride;
};

// [sequences] or [sequences + 1] numbers; data is null where absent.
struct AttentionIndices {
  Global<const int32_t> data;
  int64_t stride;
};

struct AttentionParams {
  AttentionOperand q, k, v, o;
  AttentionOperand lse;  // data is null where not wanted
  AttentionIndices q_offsets, k_offsets, k_used;
  Global<const float> sinks;  // null: none
  int64_t sink_stride;
  int sequences, q_heads, group;  // group = query heads that share a key head
  int q_rows, k_rows;             // of each sequence where dense, of all where packed
  int d_qk, d_v;
  int tiles;         // of a head: of each sequence where q is dense, slots of all where it is packed
  float multiplier;  // of what the score policy returns, to base 2
  int window_left, window_right;  // at most tile::KeyBounds::kUnbounded
  bool o_float32;
  bool chunked_q, chunked_k, chunked_v, chunked_o;  // rows are whole 16-byte chunks
};

}  // namespace wl::cuda
