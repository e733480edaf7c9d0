#include "emulator/layer_ops.h"

#include <gtest/gtest.h>

namespace wl::test {
namespace {

template <class Params>
Params sized() {
  Params p{};
  p.struct_size = sizeof p;
  return p;
}

}  // namespace

Bytes norm(int32_t kind, int32_t type, int32_t y_type, int64_t rows, int64_t columns) {
  Random random(1);
  const Matrix x = Matrix::of(type, rows, columns, random.normals(rows * columns)),
               residual = Matrix::of(type, rows, columns, random.normals(rows * columns));
  const Buffer weight = Buffer::floats(type, {columns}, random.normals(columns)),
               bias = Buffer::floats(type, {columns}, random.normals(columns));
  const Matrix y(y_type, rows, columns), sum(y_type, rows, columns);
  auto p = sized<wl_norm_params>();
  p.kind = kind;
  p.epsilon = 1e-5f;
  p.x = x.view();
  p.residual = residual.view();
  p.weight = weight.view();
  if (kind == WL_NORM_LAYER) p.bias = bias.view();
  p.y = y.view();
  p.residual_out = sum.view();
  EXPECT_EQ(wl_norm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  Bytes bytes = y.bytes(), more = sum.bytes();
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

Bytes softmax(uint32_t flags, int32_t type, int64_t rows, int64_t columns) {
  Random random(2);
  const Matrix x = Matrix::of(type, rows, columns, random.normals(rows * columns, 4)), y(type, rows, columns);
  auto p = sized<wl_softmax_params>();
  p.flags = flags;
  p.x = x.view();
  p.y = y.view();
  EXPECT_EQ(wl_softmax(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return y.bytes();
}

Bytes activation(int32_t activation, int32_t type, int32_t y_type, int64_t columns) {
  Random random(3);
  const Matrix x = Matrix::of(type, 5, columns, random.normals(5 * columns, 3)),
               up = Matrix::of(type, 5, columns, random.normals(5 * columns)), y(y_type, 5, columns);
  auto p = sized<wl_activation_params>();
  p.activation = activation;
  p.x = x.view();
  p.up = up.view();
  p.y = y.view();
  EXPECT_EQ(wl_activation(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return y.bytes();
}

Matrix embedded(const std::vector<int32_t>& ids, int32_t type, int32_t y_type, int64_t columns) {
  Random random(4);
  const Matrix table = Matrix::of(type, 9, columns, random.normals(9 * columns));
  const auto count = static_cast<int64_t>(ids.size());
  const Buffer id_buffer = Buffer::ints({count}, ids);
  const Matrix y(y_type, count, columns);
  auto p = sized<wl_embedding_params>();
  p.table = table.view();
  p.ids = id_buffer.view();
  p.y = y.view();
  EXPECT_EQ(wl_embedding(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return y;
}

Matrix pooled(int32_t kind, const std::vector<int32_t>& offsets, int32_t type) {
  Random random(5);
  const Matrix x = Matrix::of(type, 40, 384, random.normals(40 * 384));
  const auto count = static_cast<int64_t>(offsets.size());
  const Buffer offset_buffer = Buffer::ints({count}, offsets);
  const Matrix y(type, count - 1, 384);
  auto p = sized<wl_pool_params>();
  p.kind = kind;
  p.flags = WL_POOL_NORMALIZE;
  p.x = x.view();
  p.cu_seqlens = offset_buffer.view();
  p.y = y.view();
  EXPECT_EQ(wl_pool(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return y;
}

Buffer roped(uint32_t flags, const std::vector<int32_t>& positions, int32_t type, bool random_values,
             int64_t dimension) {
  Random random(6);
  const auto tokens = static_cast<int64_t>(positions.size());
  constexpr int64_t kHeads = 4, kPairs = 48, kRows = 16;
  const auto values = [&](int64_t count, double otherwise) {
    return random_values ? random.normals(count) : std::vector<double>(static_cast<size_t>(count), otherwise);
  };
  const Buffer x = Buffer::floats(type, {tokens, kHeads, dimension}, values(tokens * kHeads * dimension, 1));
  const Buffer y(type, {tokens, kHeads, dimension}), position_buffer = Buffer::ints({tokens}, positions);
  const Matrix cos = Matrix::of(WL_DTYPE_FLOAT32, kRows, kPairs, values(kRows * kPairs, 2)),
               sin = Matrix::of(WL_DTYPE_FLOAT32, kRows, kPairs, values(kRows * kPairs, 0));
  auto p = sized<wl_rope_params>();
  p.flags = flags;
  p.x = x.view();
  p.y = y.view();
  p.positions = position_buffer.view();
  p.cos = cos.view();
  p.sin = sin.view();
  EXPECT_EQ(wl_rope(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return y;
}

Buffer appended(const std::vector<int32_t>& lengths, const std::vector<int32_t>& offsets, int32_t type,
                int64_t dimension) {
  constexpr int64_t kTotal = 6, kHeads = 2, kCapacity = 8;
  const auto batch = static_cast<int64_t>(lengths.size());
  const Buffer k = Buffer::floats(type, {kTotal, kHeads, dimension},
                                  std::vector<double>(static_cast<size_t>(kTotal * kHeads * dimension), 1));
  const auto cache = [&] {
    const std::vector<double> twos(static_cast<size_t>(batch * kCapacity * kHeads * dimension), 2);
    return Buffer::floats(type, {batch, kCapacity, kHeads, dimension}, twos);
  };
  const Buffer k_cache = cache(), v_cache = cache();
  const Buffer length_buffer = Buffer::ints({batch}, lengths),
               offset_buffer = Buffer::ints({batch + 1}, offsets);
  const Matrix cos = Matrix::of(WL_DTYPE_FLOAT32, 7, 32, std::vector<double>(7 * 32, 1)),
               sin = Matrix::of(WL_DTYPE_FLOAT32, 7, 32, std::vector<double>(7 * 32, 0));
  auto p = sized<wl_kv_append_params>();
  p.k = p.v = k.view();
  p.k_cache = k_cache.view();
  p.v_cache = v_cache.view();
  p.lengths = length_buffer.view();
  p.cu_seqlens = offset_buffer.view();
  p.cos = cos.view();
  p.sin = sin.view();
  EXPECT_EQ(wl_kv_append(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(k_cache.bytes(), v_cache.bytes());
  return k_cache;
}

Sampled sampled(const std::vector<double>& logits, int32_t type, const wl_sampling_row& s, int64_t draws,
                const std::vector<int32_t>& history) {
  const auto columns = static_cast<int64_t>(logits.size());
  const Matrix one = Matrix::of(type, 1, columns, logits);
  std::vector<wl_sampling_row> settings(static_cast<size_t>(draws), s);
  for (size_t i = 0; i < settings.size(); ++i) settings[i].position = i;
  const Buffer ids(WL_DTYPE_INT32, {draws}), log_probabilities(WL_DTYPE_FLOAT32, {draws});
  const Buffer history_buffer = Buffer::ints({static_cast<int64_t>(history.size())}, history);
  std::vector<int32_t> offsets(static_cast<size_t>(draws) + 1, static_cast<int32_t>(history.size()));
  offsets[0] = 0;
  const Buffer offset_buffer = Buffer::ints({draws + 1}, offsets);
  auto p = sized<wl_sample_params>();
  p.logits = one.view();
  p.logits.shape[0] = draws;
  p.logits.strides[0] = 0;
  p.settings = settings.data();
  p.settings_count = settings.size();
  p.ids = ids.view();
  p.log_probabilities = log_probabilities.view();
  if (!history.empty()) p.history = history_buffer.view(), p.history_offsets = offset_buffer.view();
  EXPECT_EQ(wl_sample(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return {ids.values(), log_probabilities.values()};
}

Bytes sampled_bytes(int32_t type, int64_t columns, int64_t draws) {
  Random random(7);
  wl_sampling_row s{};
  s.temperature = 1.5f;
  s.top_k = static_cast<int32_t>(columns / 20);
  s.top_p = 0.9f;
  s.min_p = 0.01f;
  s.repetition_penalty = 1.3f;
  s.frequency_penalty = 0.2f;
  const Sampled result = sampled(random.normals(columns, 3), type, s, draws, {1, 77, 5000, 1, 4096});
  Bytes bytes;
  for (const std::vector<double>& values : {result.ids, result.log_probabilities}) {
    const auto* first = reinterpret_cast<const unsigned char*>(values.data());
    bytes.insert(bytes.end(), first, first + values.size() * sizeof(double));
  }
  return bytes;
}

Bytes argmax(int32_t type, int64_t columns) {
  Random random(8);
  const Matrix logits = Matrix::of(type, 3, columns, random.normals(3 * columns));
  const Buffer ids(WL_DTYPE_INT32, {3});
  auto p = sized<wl_argmax_params>();
  p.logits = logits.view();
  p.ids = ids.view();
  EXPECT_EQ(wl_argmax(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return ids.bytes();
}

std::vector<KernelCall> layer_calls() {
  constexpr int32_t kSingle = WL_DTYPE_FLOAT32, kHalf = WL_DTYPE_FLOAT16, kBrain = WL_DTYPE_BFLOAT16;
  return {
      {"head norm", "elementwise.norm.sm80.16bit", [] { return norm(WL_NORM_RMS, kBrain, kBrain, 50, 64); }},
      {"rms norm", "elementwise.norm.sm80.16bit", [] { return norm(WL_NORM_RMS, kBrain, kBrain, 3, 2560); }},
      {"layer norm", "elementwise.norm.sm80.32bit",
       [] { return norm(WL_NORM_LAYER, kHalf, kSingle, 3, 768); }},
      {"long norm", "elementwise.norm.sm80.32bit",
       [] { return norm(WL_NORM_LAYER, kSingle, kSingle, 2, 9216); }},
      {"softmax", "elementwise.softmax.sm80.16bit", [] { return softmax(0, kHalf, 9, 512); }},
      {"log softmax", "elementwise.softmax.sm80.32bit",
       [] { return softmax(WL_SOFTMAX_LOG, kSingle, 2, 9216); }},
      {"silu", "elementwise.activation.sm80.16bit",
       [] { return activation(WL_ACTIVATION_SILU, kBrain, kBrain); }},
      {"gelu", "elementwise.activation.sm80.32bit",
       [] { return activation(WL_ACTIVATION_GELU, kBrain, kSingle); }},
      {"embedding", "elementwise.embedding.sm80.16bit",
       [] {
         return embedded({1, 8, 0, 3, 3}, kBrain, kHalf).bytes();
       }},
      {"mean", "elementwise.pool.sm80.16bit",
       [] {
         return pooled(WL_POOL_MEAN, {0, 7, 7, 40}, kBrain).bytes();
       }},
      {"maximum", "elementwise.pool.sm80.32bit",
       [] {
         return pooled(WL_POOL_MAX, {0, 7, 7, 40}, kSingle).bytes();
       }},
      {"rope", "elementwise.rope.sm80.16bit",
       [] {
         return roped(0, {3, 0, 15, 9, 1}, kBrain).bytes();
       }},
      {"interleaved rope", "elementwise.rope.sm80.32bit",
       [] {
         return roped(WL_ROPE_INTERLEAVED, {3, 0, 15, 9, 1}, kSingle).bytes();
       }},
      {"append", "kv_cache.append.sm80.16bit",
       [] {
         return appended({2, 0, 3}, {0, 3, 4, 6}, kBrain).bytes();
       }},
      {"argmax", "sampling.argmax.sm80.16bit", [] { return argmax(kBrain, 20000); }},
      {"sample", "sampling.sample.sm80.32bit", [] { return sampled_bytes(kSingle, 4200, 2); }},
      {"sample of 16 bits", "sampling.sample.sm80.16bit", [] { return sampled_bytes(kBrain, 8400, 1); }},
  };
}

}  // namespace wl::test
