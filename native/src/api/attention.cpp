#include "cpu/attention/attention.h"

#include <warpline/attention.h>

#include <cmath>
#include <string>

#include "core/cuda_backend.h"
#include "core/failure.h"
#include "core/options.h"
#include "core/params.h"
#include "core/tensor.h"

namespace {

using namespace wl;

// Axes counted from the last: q, k, v and o are [..., length, heads, width].
int width_axis(const wl_tensor& t) { return t.rank - 1; }
int heads_axis(const wl_tensor& t) { return t.rank - 2; }
int length_axis(const wl_tensor& t) { return t.rank - 3; }
bool packed(const wl_tensor& t) { return t.rank == 3; }

std::string shape_name(const char* name, int axis) {
  return std::string(name) + ".shape[" + text(axis) + "]";
}

void require_finite(float value, const char* name) {
  if (!std::isfinite(value)) invalid(name, text(static_cast<double>(value)), "finite");
}

void require_types(const wl_attention_params& p) {
  if (p.q.dtype != WL_DTYPE_FLOAT32)
    require_dtype(p.k, "k", p.q.dtype, p.q.dtype, "the type of q where q is not float32");
  require_dtype(p.v, "v", p.k.dtype, p.k.dtype, "the type of k");
  require_dtype(p.o, "o", p.q.dtype, WL_DTYPE_FLOAT32, "q's type or float32");
}

void require_heads(const wl_attention_params& p) {
  for (const auto& [t, name] : {std::pair{&p.q, "q"}, std::pair{&p.v, "v"}}) {
    const int axis = width_axis(*t);
    if (t->shape[axis] < 1) invalid(shape_name(name, axis), text(t->shape[axis]), "at least 1");
  }
  require_extent(p.k, "k", width_axis(p.k), p.q.shape[width_axis(p.q)], "the head dimension of q");
  const int64_t q_heads = p.q.shape[heads_axis(p.q)], k_heads = p.k.shape[heads_axis(p.k)];
  if (k_heads == 0 ? q_heads != 0 : q_heads % k_heads != 0) {
    invalid(shape_name("q", heads_axis(p.q)), text(q_heads),
            "a multiple of " + text(k_heads) + ", the heads of k");
  }
}

// Offsets exactly where the tensor is packed.
void require_packing(const wl_tensor& t, const char* name, const wl_tensor& offsets,
                     const char* offsets_name) {
  if (packed(t) == present(offsets)) return;
  invalid(offsets_name, present(offsets) ? "given" : "absent",
          std::string(packed(t) ? "given, because " : "absent, because ") + name + " is " +
              (packed(t) ? "packed (rank 3)" : "dense (rank 4)"));
}

// Returns the batch, once everything says the same.
int64_t require_sequences(const wl_attention_params& p, const Launch& launch) {
  require_packing(p.q, "q", p.cu_seqlens_q, "cu_seqlens_q");
  require_packing(p.k, "k", p.cu_seqlens_k, "cu_seqlens_k");
  int64_t batch = p.q.shape[0];
  if (packed(p.q)) {
    require_tensor(p.cu_seqlens_q, "cu_seqlens_q", kInt32, 1, 1, LastStride::kFree);
    batch = p.cu_seqlens_q.shape[0] - 1;
    if (batch < 0) invalid("cu_seqlens_q.shape[0]", "0", "at least 1, one more than the sequences");
    require_offsets(p.cu_seqlens_q, "cu_seqlens_q", batch, p.q.shape[0], "q", launch.readable());
  }
  if (packed(p.k)) {
    require_offsets(p.cu_seqlens_k, "cu_seqlens_k", batch, p.k.shape[0], "k", launch.readable());
  } else {
    require_extent(p.k, "k", 0, batch, "the sequences of q");
  }
  if (!present(p.seqused_k)) return batch;
  if (packed(p.k)) invalid("seqused_k", "given", "absent, because k is packed (rank 3)");
  require_tensor(p.seqused_k, "seqused_k", kInt32, 1, 1, LastStride::kFree);
  require_extent(p.seqused_k, "seqused_k", 0, batch, "the sequences of q");
  if (!launch.readable()) return batch;
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t used = index_at(p.seqused_k, b);
    if (used < 0 || used > p.k.shape[1]) {
      invalid("seqused_k[" + text(b) + "]", text(used),
              "from 0 to " + text(p.k.shape[1]) + ", the rows of k");
    }
  }
  return batch;
}

void require_outputs(const wl_attention_params& p) {
  require_tensor(p.o, "o", kFloats, p.q.rank);
  for (int axis = 0; axis < width_axis(p.q); ++axis)
    require_extent(p.o, "o", axis, p.q.shape[axis], "the extent of q");
  require_extent(p.o, "o", width_axis(p.o), p.v.shape[width_axis(p.v)], "the head dimension of v");
  require_distinct(p.o, "o");
  if (!present(p.lse)) return;
  require_tensor(p.lse, "lse", kFloat32, p.q.rank - 1, p.q.rank - 1, LastStride::kFree);
  if (!packed(p.q)) require_extent(p.lse, "lse", 0, p.q.shape[0], "the batch of q");
  require_extent(p.lse, "lse", p.lse.rank - 2, p.q.shape[heads_axis(p.q)], "the heads of q");
  require_extent(p.lse, "lse", p.lse.rank - 1, p.q.shape[length_axis(p.q)], "the rows of q");
  require_distinct(p.lse, "lse");
}

void require_modifiers(const wl_attention_params& p, int64_t batch) {
  const int64_t heads = p.q.shape[heads_axis(p.q)];
  if (present(p.alibi_slopes)) {
    require_tensor(p.alibi_slopes, "alibi_slopes", kFloat32, 1, 2, LastStride::kFree);
    if (p.alibi_slopes.rank == 2)
      require_extent(p.alibi_slopes, "alibi_slopes", 0, batch, "the sequences of q");
    require_extent(p.alibi_slopes, "alibi_slopes", p.alibi_slopes.rank - 1, heads, "the heads of q");
  }
  if (present(p.sinks)) {
    require_tensor(p.sinks, "sinks", kFloat32, 1, 1, LastStride::kFree);
    require_extent(p.sinks, "sinks", 0, heads, "the heads of q");
  }
}

// Checks everything that a call may get wrong; returns its batch.
int64_t require_attention(const wl_attention_params& p, const Launch& launch) {
  require_flags(p.flags, WL_ATTENTION_CAUSAL | WL_ATTENTION_WINDOW, "flags");
  require_finite(p.scale, "scale");
  require_finite(p.softcap, "softcap");
  require_tensor(p.q, "q", kFloats, 3, 4);
  require_tensor(p.k, "k", kFloats, 3, 4);
  require_tensor(p.v, "v", kFloats, p.k.rank);
  require_types(p);
  require_heads(p);
  for (int axis = 0; axis < width_axis(p.k); ++axis)
    require_extent(p.v, "v", axis, p.k.shape[axis], "the extent of k");
  const int64_t batch = require_sequences(p, launch);
  require_outputs(p);
  require_modifiers(p, batch);
  return batch;
}

// Bytes of workspace that a checked call needs. Fails where its device does not serve it.
uint64_t workspace_size(const wl_attention_params& p, const Launch& launch, int64_t batch) {
  if (!launch.cuda()) return 0;
  const auto function = cuda_table().attention_workspace;
  if (function == nullptr) not_served_on_cuda("wl_attention");
  return function(p, launch, batch);
}

}  // namespace

extern "C" {

wl_status wl_attention(const wl_attention_params* params, const wl_launch* at) {
  return guard("wl_attention", [&] {
    const wl_attention_params p = read_params(params);
    const Launch launch = read_launch(at);
    const int64_t batch = require_attention(p, launch);
    require_workspace(launch, workspace_size(p, launch, batch));
    // On the CPU rows are independent of their batch always: the flag asks for nothing more.
    dispatch(
        launch, "wl_attention", [&] { cpu::attention(p, batch); }, &CudaBackend::attention, p, launch, batch);
  });
}

wl_status wl_attention_supported(const wl_attention_params* params, const wl_launch* at, char* reason,
                                 uint64_t reason_bytes) {
  const wl_status status = guard("wl_attention_supported", [&] {
    const wl_attention_params p = read_params(params);
    const Launch launch = read_launch(at);
    const int64_t batch = require_attention(p, launch);
    if (launch.cuda()) {
      workspace_size(p, launch, batch);
    } else {
      require_options();
    }
  });
  return copy_reason(status, reason, reason_bytes);
}

wl_status wl_attention_workspace_size(const wl_attention_params* params, const wl_launch* at,
                                      uint64_t* bytes) {
  return guard("wl_attention_workspace_size", [&] {
    if (bytes == nullptr) invalid("bytes", "NULL", "an address");
    const wl_attention_params p = read_params(params);
    const Launch launch = read_launch(at);
    *bytes = workspace_size(p, launch, require_attention(p, launch));
  });
}

}  // extern "C"
