// Legal parameters of every op, for tests to spoil, and tables of bad calls with the exact text of their
// errors.
#pragma once

#include <gtest/gtest.h>
#include <warpline/warpline.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "support/matrix.h"

namespace wl::test {

// Legal parameters of every op, for a test to spoil. All outputs are poisoned.
struct Calls {
  Matrix x = Matrix::of(WL_DTYPE_FLOAT32, 2, 4, {1, 2, 3, 4, 5, 6, 7, 8});
  Matrix y = Matrix(WL_DTYPE_FLOAT32, 2, 4);
  Matrix z = Matrix(WL_DTYPE_FLOAT32, 2, 4);
  Matrix table = Matrix::of(WL_DTYPE_FLOAT32, 3, 2, {1, 1, 1, 1, 1, 1});
  Matrix half = Matrix(WL_DTYPE_FLOAT16, 2, 4);
  Matrix brain = Matrix(WL_DTYPE_BFLOAT16, 2, 4);
  Buffer heads = Buffer::floats(WL_DTYPE_FLOAT32, {2, 1, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  Buffer rotated = Buffer(WL_DTYPE_FLOAT32, {2, 1, 4});
  Buffer ids = Buffer::ints({2}, {0, 2});
  Buffer out_ids = Buffer(WL_DTYPE_INT32, {2});
  Buffer offsets = Buffer::ints({3}, {0, 1, 2});
  Buffer wide_weight = Buffer::floats(WL_DTYPE_FLOAT32, {5}, {1, 1, 1, 1, 1});
  Buffer q = Buffer::floats(WL_DTYPE_FLOAT32, {1, 2, 2, 4}, std::vector<double>(16, 1));
  Buffer k = Buffer::floats(WL_DTYPE_FLOAT32, {1, 3, 1, 4}, std::vector<double>(12, 1));
  Buffer o = Buffer(WL_DTYPE_FLOAT32, {1, 2, 2, 4});
  Buffer k_cache = Buffer(WL_DTYPE_FLOAT32, {1, 6, 1, 4}), v_cache = Buffer(WL_DTYPE_FLOAT32, {1, 6, 1, 4});
  Buffer lengths = Buffer::ints({1}, {3});
  wl_sampling_row settings[2] = {};

  wl_launch launch{};
  wl_norm_params norm{};
  wl_rope_table_params rope_table{};
  wl_rope_params rope{};
  wl_activation_params activation{};
  wl_embedding_params embedding{};
  wl_pool_params pool{};
  wl_softmax_params softmax{};
  wl_argmax_params argmax{};
  wl_sample_params sample{};
  wl_gemm_params gemm{};
  wl_attention_params attention{};
  wl_kv_append_params append{};

  Calls() {
    launch.struct_size = sizeof launch;
    norm.struct_size = sizeof norm;
    norm.kind = WL_NORM_RMS;
    norm.x = x.view();
    norm.y = y.view();
    rope_table.struct_size = sizeof rope_table;
    rope_table.base = 10000;
    rope_table.cos = y.view();
    rope_table.sin = z.view();
    rope.struct_size = sizeof rope;
    rope.x = heads.view();
    rope.y = rotated.view();
    rope.positions = ids.view();
    rope.cos = rope.sin = table.view();
    activation.struct_size = sizeof activation;
    activation.x = x.view();
    activation.y = y.view();
    embedding.struct_size = sizeof embedding;
    embedding.table = table.view();
    embedding.ids = ids.view();
    embedding.y = y.view();
    embedding.y.shape[1] = 2;
    pool.struct_size = sizeof pool;
    pool.kind = WL_POOL_MEAN;
    pool.x = x.view();
    pool.cu_seqlens = offsets.view();
    pool.y = y.view();
    softmax.struct_size = sizeof softmax;
    softmax.x = x.view();
    softmax.y = y.view();
    argmax.struct_size = sizeof argmax;
    argmax.logits = x.view();
    argmax.ids = out_ids.view();
    sample.struct_size = sizeof sample;
    sample.logits = x.view();
    sample.settings = settings;
    sample.settings_count = 2;
    sample.ids = out_ids.view();
    gemm.struct_size = sizeof gemm;
    gemm.x = x.view();
    gemm.weight = x.view();
    gemm.y = y.view();
    gemm.y.shape[1] = 2;
    attention.struct_size = sizeof attention;
    attention.q = q.view();
    attention.k = attention.v = k.view();
    attention.o = o.view();
    append.struct_size = sizeof append;
    append.k = append.v = heads.view();
    append.k_cache = k_cache.view();
    append.v_cache = v_cache.view();
    append.lengths = lengths.view();
  }

  bool untouched() const {
    const auto poisoned = [](const std::vector<double>& values) {
      for (const double value : values) {
        if (!std::isnan(value) && value != -2147483648.0) return false;
      }
      return true;
    };
    return poisoned(y.values()) && poisoned(rotated.values()) && poisoned(out_ids.values()) &&
           poisoned(o.values()) && poisoned(k_cache.values()) && poisoned(v_cache.values());
  }
};

struct BadCall {
  const char* error;
  const char* parameter;
  wl_status status;
  std::function<wl_status(Calls&)> call;
};

constexpr wl_status kInvalid = WL_STATUS_INVALID_ARGUMENT;
constexpr wl_status kUnsupported = WL_STATUS_UNSUPPORTED;
constexpr wl_status kNoDevice = WL_STATUS_NO_DEVICE;

inline void expect_errors(const std::vector<BadCall>& table) {
  for (const BadCall& bad : table) {
    Calls calls;
    EXPECT_EQ(bad.call(calls), bad.status) << bad.error;
    EXPECT_STREQ(wl_last_error(), bad.error);
    EXPECT_STREQ(wl_last_error_parameter(), bad.parameter);
    EXPECT_TRUE(calls.untouched()) << bad.error;
  }
}

}  // namespace wl::test
