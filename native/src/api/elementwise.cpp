#include "cpu/elementwise/elementwise.h"

#include <warpline/elementwise.h>

#include <cmath>
#include <string>

#include "core/cuda_backend.h"
#include "core/failure.h"
#include "core/params.h"
#include "core/tensor.h"

namespace {

using namespace wl;

void require_finite(double value, const char* name, bool allowed, const char* requirement) {
  if (!std::isfinite(value) || !allowed) invalid(name, text(value), requirement);
}

void require_reserved(int32_t value, const char* name) {
  if (value != 0) fail(WL_STATUS_UNSUPPORTED, name, text(value), "zero");
}

// An output of x's shape, of x's type or float32.
void require_output_like(const wl_tensor& y, const char* name, const wl_tensor& x) {
  require_tensor(y, name, kFloats, x.rank);
  require_same_shape(y, name, x, "x");
  require_dtype(y, name, x.dtype, WL_DTYPE_FLOAT32, "x's type or float32");
  require_distinct(y, name);
}

void require_norm(const wl_norm_params& p) {
  require_flags(p.flags, WL_NORM_ZERO_CENTERED, "flags");
  if (p.kind != WL_NORM_RMS && p.kind != WL_NORM_LAYER)
    invalid("kind", text(p.kind), "WL_NORM_RMS (1) or WL_NORM_LAYER (2)");
  require_finite(p.epsilon, "epsilon", p.epsilon >= 0, "finite and at least 0");
  require_tensor(p.x, "x", kFloats, 1, 4);
  const int64_t columns = p.x.shape[p.x.rank - 1];
  if (present(p.residual)) {
    require_tensor(p.residual, "residual", kFloats, p.x.rank);
    require_same_shape(p.residual, "residual", p.x, "x");
    require_dtype(p.residual, "residual", p.x.dtype, WL_DTYPE_FLOAT32, "x's type or float32");
  }
  if (present(p.bias) && p.kind == WL_NORM_RMS) invalid("bias", "given", "absent for WL_NORM_RMS");
  for (const auto& [t, name] : {std::pair{&p.weight, "weight"}, std::pair{&p.bias, "bias"}}) {
    if (!present(*t)) continue;
    require_tensor(*t, name, kFloats, 1);
    require_extent(*t, name, 0, columns, "the last extent of x");
    require_combination(*t, name, p.x, "x");
  }
  require_output_like(p.y, "y", p.x);
  if (present(p.residual_out)) require_output_like(p.residual_out, "residual_out", p.x);
}

void require_rope_scaling(const wl_rope_table_params& p) {
  if (p.scaling < WL_ROPE_SCALING_NONE || p.scaling > WL_ROPE_SCALING_YARN)
    invalid("scaling", text(p.scaling), "one of WL_ROPE_SCALING_* (0 to 3)");
  require_finite(p.base, "base", p.base > 0, "finite and above 0");
  if (p.scaling == WL_ROPE_SCALING_NONE) return;
  require_finite(p.factor, "factor", p.factor > 0, "finite and above 0");
  if (p.scaling == WL_ROPE_SCALING_LINEAR) return;
  require_finite(p.original_max_positions, "original_max_positions", p.original_max_positions > 0,
                 "finite and above 0");
  if (p.scaling == WL_ROPE_SCALING_LLAMA3) {
    require_finite(p.low_frequency_factor, "low_frequency_factor", p.low_frequency_factor > 0,
                   "finite and above 0");
    require_finite(p.high_frequency_factor, "high_frequency_factor",
                   p.high_frequency_factor > p.low_frequency_factor, "finite and above low_frequency_factor");
    return;
  }
  require_finite(p.base, "base", p.base > 1, "finite and above 1 for WL_ROPE_SCALING_YARN");
  require_finite(p.beta_fast, "beta_fast", p.beta_fast >= 0, "finite and at least 0");
  require_finite(p.beta_slow, "beta_slow", p.beta_slow >= 0, "finite and at least 0");
  require_finite(p.attention_factor, "attention_factor", p.attention_factor >= 0, "finite and at least 0");
}

void require_rope(const wl_rope_params& p, const Launch& launch) {
  require_flags(p.flags, WL_ROPE_INTERLEAVED, "flags");
  require_tensor(p.x, "x", kFloats, 3);
  require_output_like(p.y, "y", p.x);
  require_tensor(p.positions, "positions", kInt32, 1);
  require_extent(p.positions, "positions", 0, p.x.shape[0], "the tokens of x");
  require_tensor(p.cos, "cos", kFloat32, 2);
  require_tensor(p.sin, "sin", kFloat32, 2);
  require_same_shape(p.sin, "sin", p.cos, "cos");
  if (p.cos.shape[1] > p.x.shape[2] / 2) {
    invalid("cos.shape[1]", text(p.cos.shape[1]),
            "at most " + text(p.x.shape[2] / 2) + ", half the head dimension of x");
  }
  if (!launch.readable()) return;
  for (int64_t t = 0; t < p.x.shape[0]; ++t) {
    const int32_t position = index_at(p.positions, t);
    if (position < 0 || position >= p.cos.shape[0]) {
      invalid("positions[" + text(t) + "]", text(position),
              "at least 0 and below " + text(p.cos.shape[0]) + ", the rows of cos");
    }
  }
}

void require_activation(const wl_activation_params& p) {
  if (p.activation < WL_ACTIVATION_NONE || p.activation > WL_ACTIVATION_RELU)
    invalid("activation", text(p.activation), "one of WL_ACTIVATION_* (0 to 4)");
  require_tensor(p.x, "x", kFloats, 2);
  if (present(p.up)) {
    require_tensor(p.up, "up", kFloats, 2);
    require_same_shape(p.up, "up", p.x, "x");
    require_dtype(p.up, "up", p.x.dtype, p.x.dtype, "the type of x");
  }
  require_output_like(p.y, "y", p.x);
}

void require_embedding(const wl_embedding_params& p, const Launch& launch) {
  require_flags(p.flags, 0, "flags");
  require_tensor(p.table, "table", kFloats, 2);
  require_tensor(p.ids, "ids", kInt32, 1);
  require_tensor(p.y, "y", kFloats, 2);
  require_extent(p.y, "y", 0, p.ids.shape[0], "the number of ids");
  require_extent(p.y, "y", 1, p.table.shape[1], "the columns of table");
  require_distinct(p.y, "y");
  if (!launch.readable()) return;
  for (int64_t t = 0; t < p.ids.shape[0]; ++t) {
    const int32_t id = index_at(p.ids, t);
    if (id < 0 || id >= p.table.shape[0]) {
      invalid("ids[" + text(t) + "]", text(id),
              "at least 0 and below " + text(p.table.shape[0]) + ", the rows of table");
    }
  }
}

void require_pool(const wl_pool_params& p, const Launch& launch) {
  require_flags(p.flags, WL_POOL_NORMALIZE, "flags");
  if (p.kind < WL_POOL_MEAN || p.kind > WL_POOL_MAX)
    invalid("kind", text(p.kind), "one of WL_POOL_* (1 to 4)");
  require_reserved(p.reserved0, "reserved0");
  require_tensor(p.x, "x", kFloats, 2);
  require_tensor(p.y, "y", kFloats, 2);
  require_extent(p.y, "y", 1, p.x.shape[1], "the columns of x");
  require_dtype(p.y, "y", p.x.dtype, WL_DTYPE_FLOAT32, "x's type or float32");
  require_distinct(p.y, "y");
  require_offsets(p.cu_seqlens, "cu_seqlens", p.y.shape[0], p.x.shape[0], "x", launch.readable());
}

}  // namespace

extern "C" {

wl_status wl_norm(const wl_norm_params* params, const wl_launch* at) {
  return guard("wl_norm", [&] {
    const auto p = read_params(params);
    const Launch launch = read_launch(at);
    require_norm(p);
    dispatch(
        launch, "wl_norm", [&] { cpu::norm(p); }, &CudaBackend::norm, p, launch);
  });
}

wl_status wl_rope_table(const wl_rope_table_params* params, const wl_launch* at) {
  return guard("wl_rope_table", [&] {
    const auto p = read_params(params);
    const Launch launch = read_launch(at);
    require_rope_scaling(p);
    if (p.frequency_dtype != WL_DTYPE_NONE && p.frequency_dtype != WL_DTYPE_FLOAT16 &&
        p.frequency_dtype != WL_DTYPE_BFLOAT16) {
      invalid("frequency_dtype", text(p.frequency_dtype), "0, float16 (2) or bfloat16 (3)");
    }
    require_tensor(p.cos, "cos", kFloat32, 2);
    require_tensor(p.sin, "sin", kFloat32, 2);
    require_same_shape(p.sin, "sin", p.cos, "cos");
    require_distinct(p.cos, "cos");
    require_distinct(p.sin, "sin");
    dispatch(
        launch, "wl_rope_table", [&] { cpu::rope_table(p); }, &CudaBackend::rope_table, p, launch);
  });
}

wl_status wl_rope(const wl_rope_params* params, const wl_launch* at) {
  return guard("wl_rope", [&] {
    const auto p = read_params(params);
    const Launch launch = read_launch(at);
    require_rope(p, launch);
    dispatch(
        launch, "wl_rope", [&] { cpu::rope(p); }, &CudaBackend::rope, p, launch);
  });
}

wl_status wl_activation(const wl_activation_params* params, const wl_launch* at) {
  return guard("wl_activation", [&] {
    const auto p = read_params(params);
    const Launch launch = read_launch(at);
    require_activation(p);
    dispatch(
        launch, "wl_activation", [&] { cpu::activation(p); }, &CudaBackend::activation, p, launch);
  });
}

wl_status wl_embedding(const wl_embedding_params* params, const wl_launch* at) {
  return guard("wl_embedding", [&] {
    const auto p = read_params(params);
    const Launch launch = read_launch(at);
    require_embedding(p, launch);
    dispatch(
        launch, "wl_embedding", [&] { cpu::embedding(p); }, &CudaBackend::embedding, p, launch);
  });
}

wl_status wl_pool(const wl_pool_params* params, const wl_launch* at) {
  return guard("wl_pool", [&] {
    const auto p = read_params(params);
    const Launch launch = read_launch(at);
    require_pool(p, launch);
    dispatch(
        launch, "wl_pool", [&] { cpu::pool(p); }, &CudaBackend::pool, p, launch);
  });
}

wl_status wl_softmax(const wl_softmax_params* params, const wl_launch* at) {
  return guard("wl_softmax", [&] {
    const auto p = read_params(params);
    const Launch launch = read_launch(at);
    require_flags(p.flags, WL_SOFTMAX_LOG, "flags");
    require_tensor(p.x, "x", kFloats, 2);
    require_output_like(p.y, "y", p.x);
    dispatch(
        launch, "wl_softmax", [&] { cpu::softmax(p); }, &CudaBackend::softmax, p, launch);
  });
}

}  // extern "C"
