#include "fuzz/targets.h"

#include <cstddef>
#include <iterator>
#include <string>

#include "fuzz/call.h"

namespace wl::fuzz {
namespace {

// A tensor of a struct P.
#define WL_SLOT(P, field, output) \
  { #field, offsetof(P, field), output }

template <auto function, class P>
wl_status run(const void* params, const wl_launch* at) {
  return function(static_cast<const P*>(params), at);
}
template <auto function, class P>
wl_status ask(const void* params, const wl_launch* at) {
  char reason[32];
  return function(static_cast<const P*>(params), at, reason, sizeof reason);
}

void set_options(Input& input) {
  constexpr const char* kIsas[] = {"auto", "avx2", "avx512", "avx512_bf16"};
  constexpr const char* kGemm[] = {"auto", "rows", "tiles"};
  constexpr const char* kAttention[] = {"auto", "tiles", "split"};
  wl_set_option("cpu_isa", kIsas[input.below(4)]);  // refused where the machine has less
  const uint8_t choice = input.byte();
  wl_set_option("gemm.kernel", kGemm[choice % 3]);
  wl_set_option("attention.kernel", kAttention[choice / 3 % 3]);
}

std::string norm(Input& input) {
  using P = wl_norm_params;
  enum { kX, kResidual, kWeight, kBias, kY, kResidualOut };
  Call call(sizeof(P),
            {WL_SLOT(P, x, false), WL_SLOT(P, residual, false), WL_SLOT(P, weight, false),
             WL_SLOT(P, bias, false), WL_SLOT(P, y, true), WL_SLOT(P, residual_out, true)},
            input);
  const uint8_t present = input.byte();
  call.params<P>().kind = (present & 1) != 0 ? WL_NORM_RMS : WL_NORM_LAYER;
  call.params<P>().flags = (present >> 1) & 1;
  const int64_t rows = input.extent(), columns = input.extent();
  call.set(kX, call.dtype, {rows, columns});
  call.set(kY, (present & 2) != 0 ? WL_DTYPE_FLOAT32 : call.dtype, {rows, columns});
  if ((present & 4) != 0) call.set(kResidual, call.dtype, {rows, columns});
  if ((present & 8) != 0) call.set(kWeight, WL_DTYPE_FLOAT32, {columns});
  if ((present & 16) != 0) call.set(kBias, call.dtype, {columns});
  if ((present & 32) != 0) call.set(kResidualOut, WL_DTYPE_FLOAT32, {rows, columns});
  return call.check(run<wl_norm, P>, nullptr, true);
}

std::string rope_table(Input& input) {
  using P = wl_rope_table_params;
  enum { kCos, kSin };
  Call call(sizeof(P), {WL_SLOT(P, cos, true), WL_SLOT(P, sin, true)}, input);
  auto& p = call.params<P>();
  p.scaling = input.below(4);
  p.base = 10000;
  p.factor = input.below(16);
  p.low_frequency_factor = 1;
  p.high_frequency_factor = input.below(8);
  p.original_max_positions = input.below(64);
  p.frequency_dtype = input.below(4);
  const int64_t positions = input.extent(), pairs = input.extent();
  call.set(kCos, WL_DTYPE_FLOAT32, {positions, pairs});
  call.set(kSin, WL_DTYPE_FLOAT32, {positions, pairs});
  return call.check(run<wl_rope_table, P>, nullptr, true);
}

std::string rope(Input& input) {
  using P = wl_rope_params;
  enum { kX, kY, kPositions, kCos, kSin };
  Call call(sizeof(P),
            {WL_SLOT(P, x, false), WL_SLOT(P, y, true), WL_SLOT(P, positions, false), WL_SLOT(P, cos, false),
             WL_SLOT(P, sin, false)},
            input);
  call.params<P>().flags = input.below(2);
  const int64_t tokens = input.extent(), heads = input.extent(), width = input.extent(),
                rows = input.extent();
  const int64_t pairs = width / 2 / (1 + input.below(2));
  call.set(kX, call.dtype, {tokens, heads, width});
  call.set(kY, call.dtype, {tokens, heads, width});
  std::vector<int32_t> positions(static_cast<size_t>(tokens <= 128 ? tokens : 0));
  for (int32_t& position : positions) position = rows > 0 ? static_cast<int32_t>(input.byte() % rows) : 0;
  call.set_ints(kPositions, positions);
  call.tensor(kPositions).shape[0] = tokens;
  call.set(kCos, WL_DTYPE_FLOAT32, {rows, pairs});
  call.set(kSin, WL_DTYPE_FLOAT32, {rows, pairs});
  return call.check(run<wl_rope, P>, nullptr, true);
}

std::string activation(Input& input) {
  using P = wl_activation_params;
  enum { kX, kUp, kY };
  Call call(sizeof(P), {WL_SLOT(P, x, false), WL_SLOT(P, up, false), WL_SLOT(P, y, true)}, input);
  call.params<P>().activation = input.below(4);
  const int64_t rows = input.extent(), columns = input.extent();
  call.set(kX, call.dtype, {rows, columns});
  call.set(kY, call.dtype, {rows, columns});
  if (input.below(2) != 0) call.set(kUp, call.dtype, {rows, columns});
  return call.check(run<wl_activation, P>, nullptr, true);
}

std::string embedding(Input& input) {
  using P = wl_embedding_params;
  enum { kTable, kIds, kY };
  Call call(sizeof(P), {WL_SLOT(P, table, false), WL_SLOT(P, ids, false), WL_SLOT(P, y, true)}, input);
  const int64_t tokens = input.extent(), rows = input.extent(), columns = input.extent();
  call.set(kTable, call.dtype, {rows, columns});
  std::vector<int32_t> ids(static_cast<size_t>(tokens <= 128 ? tokens : 0));
  for (int32_t& id : ids) id = rows > 0 ? static_cast<int32_t>(input.byte() % rows) : 0;
  call.set_ints(kIds, ids);
  call.tensor(kIds).shape[0] = tokens;
  call.set(kY, WL_DTYPE_FLOAT32, {tokens, columns});
  return call.check(run<wl_embedding, P>, nullptr, true);
}

std::string pool(Input& input) {
  using P = wl_pool_params;
  enum { kX, kOffsets, kY };
  Call call(sizeof(P), {WL_SLOT(P, x, false), WL_SLOT(P, cu_seqlens, false), WL_SLOT(P, y, true)}, input);
  call.params<P>().kind = 1 + input.below(4);
  call.params<P>().flags = input.below(2);
  const int64_t rows = input.extent(), columns = input.extent();
  call.set(kX, call.dtype, {rows, columns});
  call.set(kY, call.dtype, {call.set_offsets(kOffsets, rows), columns});
  return call.check(run<wl_pool, P>, nullptr, true);
}

std::string softmax(Input& input) {
  using P = wl_softmax_params;
  enum { kX, kY };
  Call call(sizeof(P), {WL_SLOT(P, x, false), WL_SLOT(P, y, true)}, input);
  call.params<P>().flags = input.below(2);
  const int64_t rows = input.extent(), columns = input.extent();
  call.set(kX, call.dtype, {rows, columns});
  call.set(kY, call.dtype, {rows, columns});
  return call.check(run<wl_softmax, P>, nullptr, true);
}

std::string argmax(Input& input) {
  using P = wl_argmax_params;
  enum { kLogits, kIds };
  Call call(sizeof(P), {WL_SLOT(P, logits, false), WL_SLOT(P, ids, true)}, input);
  const int64_t rows = input.extent(), columns = input.extent();
  call.set(kLogits, call.dtype, {rows, columns});
  call.set(kIds, WL_DTYPE_INT32, {rows});
  return call.check(run<wl_argmax, P>, nullptr, true);
}

std::string sample(Input& input) {
  using P = wl_sample_params;
  enum { kLogits, kHistory, kOffsets, kIds, kLogProbabilities };
  Call call(sizeof(P),
            {WL_SLOT(P, logits, false), WL_SLOT(P, history, false), WL_SLOT(P, history_offsets, false),
             WL_SLOT(P, ids, true), WL_SLOT(P, log_probabilities, true)},
            input);
  const uint8_t present = input.byte();
  const int64_t columns = input.extent();
  int64_t rows = input.extent();
  if ((present & 1) != 0) {
    std::vector<int32_t> history(input.below(8));
    for (int32_t& id : history) id = columns > 0 ? static_cast<int32_t>(input.byte() % columns) : 0;
    rows = call.set_offsets(kOffsets, static_cast<int64_t>(history.size()));
    call.set_ints(kHistory, history);
  }
  call.set(kLogits, call.dtype, {rows, columns});
  call.set(kIds, WL_DTYPE_INT32, {rows});
  if ((present & 2) != 0) call.set(kLogProbabilities, WL_DTYPE_FLOAT32, {rows});
  Block settings{offsetof(P, settings), offsetof(P, settings_count), sizeof(wl_sampling_row), {}, false};
  settings.contents.resize(static_cast<size_t>(rows <= 128 ? rows : 0) * sizeof(wl_sampling_row));
  call.params<P>().settings_count = static_cast<uint64_t>(rows);
  call.add_block(settings);
  // A row in which nothing can be chosen is found while others are written already.
  return call.check(run<wl_sample, P>, nullptr, false);
}

std::string kv_append(Input& input) {
  using P = wl_kv_append_params;
  enum { kK, kV, kKeyCache, kValueCache, kLengths, kOffsets, kCos, kSin };
  Call call(sizeof(P),
            {WL_SLOT(P, k, false), WL_SLOT(P, v, false), WL_SLOT(P, k_cache, true), WL_SLOT(P, v_cache, true),
             WL_SLOT(P, lengths, false), WL_SLOT(P, cu_seqlens, false), WL_SLOT(P, cos, false),
             WL_SLOT(P, sin, false)},
            input);
  const uint8_t present = input.byte();
  call.params<P>().flags = present & 1;
  const int64_t tokens = input.extent(), heads = input.extent(), key = input.extent(), value = input.extent();
  const int64_t capacity = input.extent();
  const int64_t batch = (present & 2) != 0 ? call.set_offsets(kOffsets, tokens) : 1;
  call.set(kK, call.dtype, {tokens, heads, key});
  call.set(kV, call.dtype, {tokens, heads, value});
  const int32_t type = (present & 4) != 0 ? WL_DTYPE_BFLOAT16 : call.dtype;
  call.set(kKeyCache, type, {batch, capacity, heads, key});
  call.set(kValueCache, type, {batch, capacity, heads, value});
  std::vector<int32_t> lengths(static_cast<size_t>(batch));
  for (int32_t& length : lengths) length = input.below(4);
  call.set_ints(kLengths, lengths);
  if ((present & 8) != 0) {
    call.set(kCos, WL_DTYPE_FLOAT32, {capacity, key / 2});
    call.set(kSin, WL_DTYPE_FLOAT32, {capacity, key / 2});
  }
  return call.check(run<wl_kv_append, P>, nullptr, true);
}

std::string attention(Input& input) {
  using P = wl_attention_params;
  enum { kQ, kK, kV, kO, kLse, kQueryOffsets, kKeyOffsets, kUsed, kSlopes, kSinks };
  Call call(sizeof(P),
            {WL_SLOT(P, q, false), WL_SLOT(P, k, false), WL_SLOT(P, v, false), WL_SLOT(P, o, true),
             WL_SLOT(P, lse, true), WL_SLOT(P, cu_seqlens_q, false), WL_SLOT(P, cu_seqlens_k, false),
             WL_SLOT(P, seqused_k, false), WL_SLOT(P, alibi_slopes, false), WL_SLOT(P, sinks, false)},
            input);
  const uint8_t present = input.byte(), more = input.byte();
  auto& p = call.params<P>();
  p.flags = more & 3;
  p.window_left = input.byte() % 8 - 1;
  p.window_right = input.byte() % 8 - 1;
  p.softcap = (more & 4) != 0 ? 2 : 0;
  int64_t queries = input.extent(), keys = input.extent(), batch = input.below(4);
  const int64_t key_heads = input.extent(), heads = key_heads <= 128 ? key_heads * input.below(4) : key_heads;
  const int64_t width = input.extent(), value_width = input.extent();
  const bool packed_q = (present & 1) != 0, packed_k = (present & 2) != 0;
  if (packed_q) batch = call.set_offsets(kQueryOffsets, queries);
  if (packed_k) {
    const int64_t sequences = call.set_offsets(kKeyOffsets, keys);
    if (!packed_q) batch = sequences;
  }
  const auto set = [&](size_t slot, int32_t dtype, bool packed, int64_t length, int64_t head_count,
                       int64_t last) {
    if (packed)
      call.set(slot, dtype, {length, head_count, last});
    else
      call.set(slot, dtype, {batch, length, head_count, last});
  };
  const int32_t query_type = (present & 4) != 0 ? WL_DTYPE_FLOAT32 : call.dtype;
  set(kQ, query_type, packed_q, queries, heads, width);
  set(kK, call.dtype, packed_k, keys, key_heads, width);
  set(kV, call.dtype, packed_k, keys, key_heads, value_width);
  set(kO, query_type, packed_q, queries, heads, value_width);
  if ((present & 8) != 0 && packed_q) call.set(kLse, WL_DTYPE_FLOAT32, {heads, queries});
  if ((present & 8) != 0 && !packed_q) call.set(kLse, WL_DTYPE_FLOAT32, {batch, heads, queries});
  if ((present & 16) != 0 && !packed_k) {
    std::vector<int32_t> used(static_cast<size_t>(batch));
    for (int32_t& count : used) count = input.byte() % 8;
    call.set_ints(kUsed, used);
  }
  if ((present & 32) != 0) call.set(kSlopes, WL_DTYPE_FLOAT32, {heads});
  if ((present & 64) != 0) call.set(kSinks, WL_DTYPE_FLOAT32, {heads});
  return call.check(run<wl_attention, P>, ask<wl_attention_supported, P>, true);
}

template <std::string (*body)(Input&)>
std::string with_options(const uint8_t* data, size_t size) {
  Input input(data, size);
  set_options(input);
  return body(input);
}

}  // namespace

// In targets_gemm.cpp.
std::string gemm(Input& input);
std::string gemm_packed(Input& input);
std::string gemm_pack(Input& input);

const std::vector<Target>& targets() {
  static const std::vector<Target> all = {
      {"activation", with_options<activation>},
      {"argmax", with_options<argmax>},
      {"attention", with_options<attention>},
      {"embedding", with_options<embedding>},
      {"gemm", with_options<gemm>},
      {"gemm_pack", with_options<gemm_pack>},
      {"gemm_packed", with_options<gemm_packed>},
      {"kv_append", with_options<kv_append>},
      {"norm", with_options<norm>},
      {"pool", with_options<pool>},
      {"rope", with_options<rope>},
      {"rope_table", with_options<rope_table>},
      {"sample", with_options<sample>},
      {"softmax", with_options<softmax>},
  };
  return all;
}

}  // namespace wl::fuzz
