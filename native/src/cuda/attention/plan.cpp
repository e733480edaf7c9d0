#include "cuda/attention/plan.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "core/failure.h"
#include "core/rounding.h"
#include "core/tensor.h"
#include "cuda/attention/tuning.h"
#include "cuda/tile/mask.h"
#include "cuda/tile/shared_tile.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {
namespace {

bool packed(const wl_tensor& t) { return t.rank == 3; }

AttentionOperand operand(const wl_tensor& t) {
  if (!present(t)) return {};
  return {data_of(t), packed(t) ? 0 : t.strides[0], t.strides[t.rank - 3], t.strides[t.rank - 2]};
}

// [B, H, S] or packed [H, total].
AttentionOperand lse_operand(const wl_tensor& t) {
  if (!present(t)) return {};
  return {data_of(t), t.rank == 3 ? t.strides[0] : 0, t.strides[t.rank - 1], t.strides[t.rank - 2]};
}

AttentionIndices indices(const wl_tensor& t) {
  if (!present(t)) return {};
  return {{indices_of(t)}, t.strides[0]};
}

// Whether each row is whole chunks of 16 bytes at multiples of 16.
bool chunked(const wl_tensor& t) {
  const AttentionOperand o = operand(t);
  const std::initializer_list<int64_t> strides = {o.batch_stride, o.row_stride, o.head_stride};
  return std::all_of(strides.begin(), strides.end(), [&](int64_t stride) {
    return tile::whole_chunks(reinterpret_cast<uintptr_t>(t.data), stride, t.shape[t.rank - 1],
                              static_cast<int>(element_size(t.dtype)));
  });
}

int window(const wl_attention_params& p, int64_t bound) {
  if ((p.flags & WL_ATTENTION_WINDOW) == 0 || bound < 0) return tile::KeyBounds::kUnbounded;
  return static_cast<int>(std::min<int64_t>(bound, tile::KeyBounds::kUnbounded));
}

void require_at_most(int64_t value, int64_t limit, const char* name) {
  if (value > limit) fail(WL_STATUS_UNSUPPORTED, name, text(value), "at most " + text(limit) + " on CUDA");
}

int require_bucket(const wl_attention_params& p) {
  const int64_t d_qk = p.q.shape[p.q.rank - 1], d_v = p.v.shape[p.v.rank - 1];
  const int bucket = attention_bucket(d_qk, d_v);
  if (bucket >= 0) return bucket;
  const wl_tensor& widest = d_qk > d_v ? p.q : p.v;
  fail(WL_STATUS_UNSUPPORTED, std::string(d_qk > d_v ? "q" : "v") + ".shape[" + text(widest.rank - 1) + "]",
       text(std::max(d_qk, d_v)), "at most 256 on CUDA");
}

// What a score becomes, and what is left for the softmax to multiply.
void plan_score(const wl_attention_params& p, AttentionPlan& plan) {
  const double d_qk = static_cast<double>(p.q.shape[p.q.rank - 1]);
  const double scale = p.scale != 0 ? static_cast<double>(p.scale) : 1 / std::sqrt(d_qk);
  const bool changed = p.softcap != 0 || present(p.alibi_slopes);
  plan.score.softcap = p.softcap;
  plan.score.inverse = p.softcap != 0 ? 2 * kLog2E / p.softcap : 0;
  if (present(p.alibi_slopes)) {
    const wl_tensor& t = p.alibi_slopes;
    plan.score.slopes = {static_cast<const float*>(t.data)};
    plan.score.slope_batch_stride = t.rank == 2 ? t.strides[0] : 0;
    plan.score.slope_head_stride = t.strides[t.rank - 1];
  }
  plan.score.scale = changed ? static_cast<float>(scale) : scale < 0 ? -1.0f : 1.0f;
  plan.params.multiplier = static_cast<float>((changed ? 1 : std::fabs(scale)) * 1.4426950408889634);
  plan.modified = changed || scale < 0;
}

}  // namespace

AttentionPlan plan_attention(const wl_attention_params& p, int64_t batch) {
  if (p.k.dtype != p.q.dtype)
    fail(WL_STATUS_UNSUPPORTED, "k.dtype", dtype_name(p.k.dtype),
         dtype_name(p.q.dtype) + ", the type of q, on CUDA");
  AttentionPlan plan{};
  plan.dtype = p.q.dtype;
  plan.bucket = require_bucket(p);
  const AttentionTuning& tuning = attention_tuning(element_size(p.q.dtype) == 2, plan.bucket);
  const int64_t q_rows = p.q.shape[p.q.rank - 3], k_rows = p.k.shape[p.k.rank - 3];
  const int64_t q_heads = p.q.shape[p.q.rank - 2], k_heads = p.k.shape[p.k.rank - 2];
  // Positions and window bounds are added in 32 bits.
  constexpr int64_t kMostRows = (int64_t{1} << 30) - 1, kMostBlocks = (int64_t{1} << 31) - 1;
  require_at_most(q_rows, kMostRows, packed(p.q) ? "q.shape[0]" : "q.shape[1]");
  require_at_most(k_rows, kMostRows, packed(p.k) ? "k.shape[0]" : "k.shape[1]");
  require_at_most(batch, kMostRows, packed(p.q) ? "cu_seqlens_q.shape[0]" : "q.shape[0]");
  require_at_most(q_heads, kMostRows, packed(p.q) ? "q.shape[1]" : "q.shape[2]");
  const int64_t tiles = packed(p.q) ? q_rows / tuning.rows() + batch : ceil_div(q_rows, tuning.rows());
  const int64_t columns = packed(p.q) ? q_heads : batch * q_heads;
  if (tiles > 0 && columns > kMostBlocks / tiles)
    fail(WL_STATUS_UNSUPPORTED, "q", text(tiles) + " tiles in each of " + text(columns) + " heads",
         "at most " + text(kMostBlocks) + " tiles on CUDA");
  plan.blocks = q_rows == 0 ? 0 : static_cast<uint32_t>(tiles * columns);

  AttentionParams& r = plan.params;
  r.q = operand(p.q);
  r.k = operand(p.k);
  r.v = operand(p.v);
  r.o = operand(p.o);
  r.lse = lse_operand(p.lse);
  r.q_offsets = indices(p.cu_seqlens_q);
  r.k_offsets = indices(p.cu_seqlens_k);
  r.k_used = indices(p.seqused_k);
  if (present(p.sinks)) {
    r.sinks = {static_cast<const float*>(p.sinks.data)};
    r.sink_stride = p.sinks.strides[0];
  }
  r.sequences = static_cast<int>(batch);
  r.q_heads = static_cast<int>(q_heads);
  r.group = k_heads == 0 ? 1 : static_cast<int>(q_heads / k_heads);
  r.q_rows = static_cast<int>(q_rows);
  r.k_rows = static_cast<int>(k_rows);
  r.d_qk = static_cast<int>(p.q.shape[p.q.rank - 1]);
  r.d_v = static_cast<int>(p.v.shape[p.v.rank - 1]);
  r.tiles = static_cast<int>(tiles);
  r.window_left = window(p, p.window_left);
  r.window_right = (p.flags & WL_ATTENTION_CAUSAL) != 0 ? 0 : window(p, p.window_right);
  r.o_float32 = p.o.dtype == WL_DTYPE_FLOAT32;
  r.chunked_q = chunked(p.q);
  r.chunked_k = chunked(p.k);
  r.chunked_v = chunked(p.v);
  r.chunked_o = chunked(p.o);
  plan_score(p, plan);
  plan.modified |= !(r.chunked_q && r.chunked_k && r.chunked_v);
  return plan;
}

}  // namespace wl::cuda
