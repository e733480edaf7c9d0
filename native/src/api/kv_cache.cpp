#include "cpu/kv_cache.h"

#include <warpline/kv_cache.h>

#include <string>

#include "core/cuda_backend.h"
#include "core/failure.h"
#include "core/params.h"
#include "core/tensor.h"

namespace {

using namespace wl;

void require_cache(const wl_tensor& cache, const char* name, const wl_tensor& added, const char* added_name) {
  require_tensor(cache, name, kFloats, 4);
  require_distinct(cache, name);
  require_extent(cache, name, 2, added.shape[1], (std::string("the heads of ") + added_name).c_str());
  require_extent(cache, name, 3, added.shape[2],
                 (std::string("the head dimension of ") + added_name).c_str());
}

void require_rotation(const wl_kv_append_params& p) {
  if (present(p.cos) != present(p.sin)) {
    invalid(present(p.cos) ? "sin" : "cos", "absent",
            std::string("given, as ") + (present(p.cos) ? "cos" : "sin") + " is");
  }
  if (!present(p.cos)) return;
  require_tensor(p.cos, "cos", kFloat32, 2);
  require_tensor(p.sin, "sin", kFloat32, 2);
  require_same_shape(p.sin, "sin", p.cos, "cos");
  if (p.cos.shape[1] > p.k.shape[2] / 2) {
    invalid("cos.shape[1]", text(p.cos.shape[1]),
            "at most " + text(p.k.shape[2] / 2) + ", half the head dimension of k");
  }
}

// Every sequence's new tokens must fit the cache, and the tables where keys are rotated.
void require_room(const wl_kv_append_params& p, const Launch& launch) {
  const int64_t batch = p.k_cache.shape[0], capacity = p.k_cache.shape[1];
  require_tensor(p.lengths, "lengths", kInt32, 1, 1, LastStride::kFree);
  require_extent(p.lengths, "lengths", 0, batch, "the sequences of k_cache");
  if (present(p.cu_seqlens)) {
    require_offsets(p.cu_seqlens, "cu_seqlens", batch, p.k.shape[0], "k", launch.readable());
  } else if (batch != 1) {
    invalid("cu_seqlens", "absent", "given, because k_cache holds " + text(batch) + " sequences");
  }
  if (!launch.readable()) return;
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t added =
        present(p.cu_seqlens) ? index_at(p.cu_seqlens, b + 1) - index_at(p.cu_seqlens, b) : p.k.shape[0];
    const int64_t length = index_at(p.lengths, b);
    const std::string name = "lengths[" + text(b) + "]";
    if (length < 0) invalid(name, text(length), "at least 0");
    if (length > capacity || added > capacity - length) {
      invalid(name, text(length) + " with " + text(added) + " to add",
              "at most " + text(capacity) + " together, the capacity of the cache");
    }
    if (present(p.cos) && added > 0 && added > p.cos.shape[0] - length) {
      invalid(name, text(length) + " with " + text(added) + " to add",
              "at most " + text(p.cos.shape[0]) + " together, the positions of cos and sin");
    }
  }
}

void require_append(const wl_kv_append_params& p, const Launch& launch) {
  require_flags(p.flags, WL_KV_APPEND_ROPE_INTERLEAVED, "flags");
  require_tensor(p.k, "k", kFloats, 3);
  require_tensor(p.v, "v", kFloats, 3);
  require_extent(p.v, "v", 0, p.k.shape[0], "the tokens of k");
  require_extent(p.v, "v", 1, p.k.shape[1], "the heads of k");
  require_dtype(p.v, "v", p.k.dtype, p.k.dtype, "the type of k");
  require_cache(p.k_cache, "k_cache", p.k, "k");
  require_cache(p.v_cache, "v_cache", p.v, "v");
  require_extent(p.v_cache, "v_cache", 0, p.k_cache.shape[0], "the sequences of k_cache");
  require_extent(p.v_cache, "v_cache", 1, p.k_cache.shape[1], "the capacity of k_cache");
  require_dtype(p.v_cache, "v_cache", p.k_cache.dtype, p.k_cache.dtype, "the type of k_cache");
  require_rotation(p);
  require_room(p, launch);
}

}  // namespace

extern "C" wl_status wl_kv_append(const wl_kv_append_params* params, const wl_launch* at) {
  return wl::guard("wl_kv_append", [&] {
    const wl_kv_append_params p = wl::read_params(params);
    const Launch launch = wl::read_launch(at);
    require_append(p, launch);
    dispatch(
        launch, "wl_kv_append", [&] { cpu::kv_append(p); }, &CudaBackend::kv_append, p, launch);
  });
}
