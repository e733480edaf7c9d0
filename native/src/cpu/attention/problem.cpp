#include "cpu/attention/problem.h"

#include <cmath>

#include "core/tensor.h"

namespace wl::cpu {
namespace {

// [B, S, H, d] or packed [total, H, d].
View rows_view(const wl_tensor& t) {
  const int64_t size = element_size(t.dtype);
  View view{static_cast<std::byte*>(t.data), t.dtype};
  view.batch_stride = t.rank == 4 ? t.strides[0] * size : 0;
  view.row_stride = t.strides[t.rank - 3] * size;
  view.head_stride = t.strides[t.rank - 2] * size;
  return view;
}

// [B, H, S] or packed [H, total].
View lse_view(const wl_tensor& t) {
  if (!present(t)) return {};
  const int64_t size = element_size(t.dtype);
  View view{static_cast<std::byte*>(t.data), t.dtype};
  view.batch_stride = t.rank == 3 ? t.strides[0] * size : 0;
  view.head_stride = t.strides[t.rank - 2] * size;
  view.row_stride = t.strides[t.rank - 1] * size;
  return view;
}

}  // namespace

float Problem::slope(int64_t batch, int64_t head) const {
  const wl_tensor& t = alibi_slopes;
  const int64_t at = t.rank == 2 ? batch * t.strides[0] + head * t.strides[1] : head * t.strides[0];
  return static_cast<const float*>(t.data)[at];
}

float Problem::sink(int64_t head) const {
  return static_cast<const float*>(sinks.data)[head * sinks.strides[0]];
}

KeyRange Problem::visible(const Sequence& s, int64_t query) const {
  const int64_t position = s.k_length - s.q_length + query;
  const int64_t behind = s.q_length - query - 1;  // keys to the right of the position
  int64_t right = behind;
  if (window_right >= 0) right = std::min(right, window_right);
  if (causal) right = 0;
  const int64_t begin = window_left < 0 || window_left >= position ? 0 : position - window_left;
  return {begin, std::max<int64_t>(0, position + right + 1)};
}

KeyRange Problem::blocks(const Sequence& s, int64_t row_begin, int64_t row_end) const {
  if (row_begin >= row_end) return {0, 0};
  const int64_t begin = visible(s, row_begin / group).begin;
  const int64_t end = visible(s, (row_end - 1) / group).end;
  if (begin >= end) return {0, 0};
  return {begin / kBlockKeys, (end - 1) / kBlockKeys + 1};
}

Problem make_problem(const wl_attention_params& p, int64_t sequences) {
  Problem r{};
  r.sequences = sequences;
  r.q_heads = p.q.shape[p.q.rank - 2];
  r.k_heads = p.k.shape[p.k.rank - 2];
  r.group = r.k_heads == 0 ? 0 : r.q_heads / r.k_heads;
  r.d_qk = p.q.shape[p.q.rank - 1];
  r.d_v = p.v.shape[p.v.rank - 1];
  r.scale = p.scale != 0 ? p.scale : static_cast<float>(1 / std::sqrt(static_cast<double>(r.d_qk)));
  r.softcap = p.softcap;
  r.causal = (p.flags & WL_ATTENTION_CAUSAL) != 0;
  const bool window = (p.flags & WL_ATTENTION_WINDOW) != 0;
  r.window_left = window ? p.window_left : -1;
  r.window_right = window ? p.window_right : -1;
  r.isa = isa();
  r.pairs = r.isa == Isa::kAvx512Bf16 && p.q.dtype == WL_DTYPE_BFLOAT16;
  r.q = rows_view(p.q);
  r.k = rows_view(p.k);
  r.v = rows_view(p.v);
  r.o = rows_view(p.o);
  r.lse = lse_view(p.lse);
  r.alibi_slopes = p.alibi_slopes;
  r.sinks = p.sinks;
  return r;
}

Sequence sequence_at(const wl_attention_params& p, int64_t index) {
  Sequence s{};
  s.q_length = p.q.shape[1];
  s.k_length = p.k.shape[1];
  if (present(p.cu_seqlens_q)) {
    s.q_begin = index_at(p.cu_seqlens_q, index);
    s.q_length = index_at(p.cu_seqlens_q, index + 1) - s.q_begin;
  }
  if (present(p.cu_seqlens_k)) {
    s.k_begin = index_at(p.cu_seqlens_k, index);
    s.k_length = index_at(p.cu_seqlens_k, index + 1) - s.k_begin;
  }
  if (present(p.seqused_k)) s.k_length = index_at(p.seqused_k, index);
  return s;
}

}  // namespace wl::cpu
