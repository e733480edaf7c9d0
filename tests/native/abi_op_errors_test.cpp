// Bad calls of the ops, and the exact text of their errors.
#include "support/legal_calls.h"

namespace wl::test {
namespace {

TEST(OpErrors, Elementwise) {
  expect_errors({
      {"wl_norm: kind is 5; must be WL_NORM_RMS (1) or WL_NORM_LAYER (2)", "kind", kInvalid,
       [](Calls& c) {
         c.norm.kind = 5;
         return wl_norm(&c.norm, nullptr);
       }},
      {"wl_norm: epsilon is -1; must be finite and at least 0", "epsilon", kInvalid,
       [](Calls& c) {
         c.norm.epsilon = -1;
         return wl_norm(&c.norm, nullptr);
       }},
      {"wl_norm: flags is 0x6; must be a combination of 0x1", "flags", kUnsupported,
       [](Calls& c) {
         c.norm.flags = 6;
         return wl_norm(&c.norm, nullptr);
       }},
      {"wl_norm: weight.shape[0] is 5; must be 4, the last extent of x", "weight.shape[0]", kInvalid,
       [](Calls& c) {
         c.norm.weight = c.wide_weight.view();
         return wl_norm(&c.norm, nullptr);
       }},
      {"wl_norm: bias is given; must be absent for WL_NORM_RMS", "bias", kInvalid,
       [](Calls& c) {
         c.norm.bias = c.wide_weight.view();
         return wl_norm(&c.norm, nullptr);
       }},
      {"wl_norm: weight.dtype is bfloat16 (3); must be float32 or the type of x, float16 (2)", "weight.dtype",
       kUnsupported,
       [](Calls& c) {
         c.norm.x = c.half.view();
         c.norm.weight = c.brain.view();
         c.norm.weight.rank = 1;
         c.norm.weight.shape[0] = 4;
         c.norm.weight.strides[0] = 1;
         return wl_norm(&c.norm, nullptr);
       }},
      {"wl_rope_table: base is nan; must be finite and above 0", "base", kInvalid,
       [](Calls& c) {
         c.rope_table.base = NAN;
         return wl_rope_table(&c.rope_table, nullptr);
       }},
      {"wl_rope_table: scaling is 4; must be one of WL_ROPE_SCALING_* (0 to 3)", "scaling", kInvalid,
       [](Calls& c) {
         c.rope_table.scaling = WL_ROPE_SCALING_YARN + 1;
         return wl_rope_table(&c.rope_table, nullptr);
       }},
      {"wl_rope_table: factor is 0; must be finite and above 0", "factor", kInvalid,
       [](Calls& c) {
         c.rope_table.scaling = WL_ROPE_SCALING_LINEAR;
         return wl_rope_table(&c.rope_table, nullptr);
       }},
      {"wl_rope: positions[1] is 2; must be at least 0 and below 2, the rows of cos", "positions[1]",
       kInvalid,
       [](Calls& c) {
         c.rope.cos.shape[0] = c.rope.sin.shape[0] = 2;
         return wl_rope(&c.rope, nullptr);
       }},
      {"wl_rope: cos.shape[1] is 2; must be at most 1, half the head dimension of x", "cos.shape[1]",
       kInvalid,
       [](Calls& c) {
         c.rope.x.shape[2] = c.rope.y.shape[2] = 3;
         return wl_rope(&c.rope, nullptr);
       }},
      {"wl_activation: activation is -1; must be one of WL_ACTIVATION_* (0 to 4)", "activation", kInvalid,
       [](Calls& c) {
         c.activation.activation = -1;
         return wl_activation(&c.activation, nullptr);
       }},
      {"wl_activation: up.dtype is float16 (2); must be float32, the type of x", "up.dtype", kInvalid,
       [](Calls& c) {
         c.activation.up = c.half.view();
         return wl_activation(&c.activation, nullptr);
       }},
      {"wl_embedding: ids[1] is 2; must be at least 0 and below 2, the rows of table", "ids[1]", kInvalid,
       [](Calls& c) {
         c.embedding.table.shape[0] = 2;
         return wl_embedding(&c.embedding, nullptr);
       }},
      {"wl_pool: cu_seqlens[2] is 2; must be at most 1, the rows of x", "cu_seqlens[2]", kInvalid,
       [](Calls& c) {
         c.pool.x.shape[0] = 1;
         return wl_pool(&c.pool, nullptr);
       }},
      {"wl_pool: cu_seqlens[1] is 0; must be at least 3", "cu_seqlens[1]", kInvalid,
       [](Calls& c) {
         c.offsets.set(0, 3);
         c.offsets.set(1, 0);
         return wl_pool(&c.pool, nullptr);
       }},
  });
}

TEST(OpErrors, Sampling) {
  expect_errors({
      {"wl_argmax: logits.shape[1] is 0; must be at least 1 and below 2^31, since ids are int32",
       "logits.shape[1]", kInvalid,
       [](Calls& c) {
         c.argmax.logits.shape[1] = 0;
         return wl_argmax(&c.argmax, nullptr);
       }},
      {"wl_argmax: ids.dtype is float32 (1); must be int32", "ids.dtype", kInvalid,
       [](Calls& c) {
         c.argmax.ids.dtype = WL_DTYPE_FLOAT32;
         return wl_argmax(&c.argmax, nullptr);
       }},
      {"wl_sample: settings_count is 1; must be 2, the rows of logits", "settings_count", kInvalid,
       [](Calls& c) {
         c.sample.settings_count = 1;
         return wl_sample(&c.sample, nullptr);
       }},
      {"wl_sample: settings[1].top_p is 1.5; must be from 0 to 1", "settings[1].top_p", kInvalid,
       [](Calls& c) {
         c.settings[1].top_p = 1.5f;
         return wl_sample(&c.sample, nullptr);
       }},
      {"wl_sample: settings[0].temperature is inf; must be finite and at least 0", "settings[0].temperature",
       kInvalid,
       [](Calls& c) {
         c.settings[0].temperature = INFINITY;
         return wl_sample(&c.sample, nullptr);
       }},
      {"wl_sample: history[0] is 9; must be at least 0 and below 4, the columns of logits", "history[0]",
       kInvalid,
       [](Calls& c) {
         c.ids.set(0, 9);
         c.sample.history = c.ids.view();
         c.sample.history_offsets = c.offsets.view();
         return wl_sample(&c.sample, nullptr);
       }},
  });
}

TEST(OpErrors, GemmAndAttention) {
  expect_errors({
      {"wl_gemm: weight.shape[1] is 3; must be 4, the K of x", "weight.shape[1]", kInvalid,
       [](Calls& c) {
         c.gemm.weight.shape[1] = 3;
         return wl_gemm(&c.gemm, nullptr);
       }},
      {"wl_gemm: weight is absent; must be given, as a tensor or as packed bytes", "weight", kInvalid,
       [](Calls& c) {
         c.gemm.weight.dtype = WL_DTYPE_NONE;
         return wl_gemm(&c.gemm, nullptr);
       }},
      {"wl_gemm: x.dtype is bfloat16 (3); must be float32 or the type of weight, float16 (2)", "x.dtype",
       kUnsupported,
       [](Calls& c) {
         c.gemm.x = c.brain.view();
         c.gemm.weight = c.half.view();
         return wl_gemm(&c.gemm, nullptr);
       }},
      {"wl_gemm_pack: packed is misaligned; must be aligned to 64 bytes", "packed", kInvalid,
       [](Calls& c) {
         alignas(64) char memory[2048];
         return wl_gemm_pack(&c.gemm.weight, memory + 4, 2000);
       }},
      {"wl_attention: k.shape[3] is 3; must be 4, the head dimension of q", "k.shape[3]", kInvalid,
       [](Calls& c) {
         c.attention.k.shape[3] = 3;
         return wl_attention(&c.attention, nullptr);
       }},
      {"wl_attention: scale is nan; must be finite", "scale", kInvalid,
       [](Calls& c) {
         c.attention.scale = NAN;
         return wl_attention(&c.attention, nullptr);
       }},
      {"wl_attention: v.dtype is float16 (2); must be float32, the type of k", "v.dtype", kInvalid,
       [](Calls& c) {
         c.attention.v.dtype = WL_DTYPE_FLOAT16;
         return wl_attention(&c.attention, nullptr);
       }},
      {"wl_attention: flags is 0x10; must be a combination of 0x3", "flags", kUnsupported,
       [](Calls& c) {
         c.attention.flags = 16;
         return wl_attention(&c.attention, nullptr);
       }},
  });
}

TEST(OpErrors, KvCache) {
  expect_errors({
      {"wl_kv_append: lengths[0] is 5 with 2 to add; must be at most 6 together, the capacity of the cache",
       "lengths[0]", kInvalid,
       [](Calls& c) {
         c.lengths.set(0, 5);
         return wl_kv_append(&c.append, nullptr);
       }},
      {"wl_kv_append: lengths[0] is -1; must be at least 0", "lengths[0]", kInvalid,
       [](Calls& c) {
         c.lengths.set(0, -1);
         return wl_kv_append(&c.append, nullptr);
       }},
      {"wl_kv_append: sin is absent; must be given, as cos is", "sin", kInvalid,
       [](Calls& c) {
         c.append.cos = c.table.view();
         return wl_kv_append(&c.append, nullptr);
       }},
  });
}

}  // namespace
}  // namespace wl::test
