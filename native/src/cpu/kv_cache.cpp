// Append to the cache: a task takes whole tokens, all heads of their keys and values; keys are rotated by the row of
// the tables at their position on the way. Bound by memory.
#include "cpu/kv_cache.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kv_cache.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "core/failure.h"
#include "cpu/rotate-inl.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

void append_token(const wl_kv_append_params& p, int64_t token, int64_t batch, int64_t position) {
  Rotation rotation{};
  if (present(p.cos)) {
    rotation = {row<const float>(p.cos, position), row<const float>(p.sin, position), p.cos.shape[1],
                (p.flags & WL_KV_APPEND_ROPE_INTERLEAVED) != 0};
  }
  const auto cache_offset = [&](const wl_tensor& cache, int64_t head) {
    return batch * cache.strides[0] + position * cache.strides[1] + head * cache.strides[2];
  };
  for (int64_t head = 0; head < p.k.shape[1]; ++head) {
    rotate_head(p.k, token * p.k.strides[0] + head * p.k.strides[1], p.k_cache, cache_offset(p.k_cache, head),
                p.k.shape[2], rotation);
    copy_elements(p.v, token * p.v.strides[0] + head * p.v.strides[1], p.v_cache,
                  cache_offset(p.v_cache, head), p.v.shape[2]);
  }
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void kv_append(const wl_kv_append_params& p) {
  static constexpr KernelNames kNames = WL_KERNEL_NAMES("kv_cache.append");
  const bool avx512 = use_avx512();
  set_last_kernel(kNames.of(avx512, p.k.dtype));
  const int64_t batch = p.k_cache.shape[0];
  const bool packed = present(p.cu_seqlens);
  const int64_t first = packed ? index_at(p.cu_seqlens, 0) : 0;
  const int64_t last = packed ? index_at(p.cu_seqlens, batch) : p.k.shape[0];
  // Without elements the other extents may be any.
  if (first == last || (elements(p.k) == 0 && elements(p.v) == 0)) return;
  const auto append = avx512 ? &N_AVX3::append_token : &N_AVX2::append_token;
  for_rows(Arena(), last - first, p.k.shape[1] * (p.k.shape[2] + p.v.shape[2]), [&](int64_t row, int) {
    const int64_t token = first + row;
    // The last sequence that begins at or before the token: empty ones end there too.
    int64_t low = 0, high = packed ? batch : 1;
    while (high - low > 1) {
      const int64_t middle = low + (high - low) / 2;
      (index_at(p.cu_seqlens, middle) <= token ? low : high) = middle;
    }
    const int64_t begin = packed ? index_at(p.cu_seqlens, low) : 0;
    append(p, token, low, index_at(p.lengths, low) + token - begin);
  });
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
