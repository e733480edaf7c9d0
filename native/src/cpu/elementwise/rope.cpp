// Rotary embedding from tables of cos and sin: a task works on whole tokens, pair by pair in chunks that pass
// through float32 buffers on the stack; both halves of a chunk are read before one is written, so that y may
// be x. Elements past the rotated part are copied bit by bit where the types agree. Bound by memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/elementwise/rope.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "core/failure.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/rotate-inl.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

void rope_token(const wl_rope_params& p, int64_t token) {
  const int64_t position = index_at(p.positions, token);
  const Rotation rotation{row<const float>(p.cos, position), row<const float>(p.sin, position),
                          p.cos.shape[1], (p.flags & WL_ROPE_INTERLEAVED) != 0};
  for (int64_t head = 0; head < p.x.shape[1]; ++head) {
    const int64_t from = token * p.x.strides[0] + head * p.x.strides[1];
    const int64_t to = token * p.y.strides[0] + head * p.y.strides[1];
    rotate_head(p.x, from, p.y, to, p.x.shape[2], rotation);
  }
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void rope(const wl_rope_params& p) {
  static constexpr KernelNames kNames = WL_KERNEL_NAMES("elementwise.rope");
  const bool avx512 = use_avx512();
  set_last_kernel(kNames.of(avx512, p.x.dtype));
  if (elements(p.x) == 0) return;
  const auto token_function = avx512 ? &N_AVX3::rope_token : &N_AVX2::rope_token;
  for_rows(Arena(), p.x.shape[0], p.x.shape[1] * p.x.shape[2],
           [&](int64_t token, int) { token_function(p, token); });
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
