// Rotary embedding from tables of cos and sin: a task works on whole tokens, pair by pair in chunks that pass
// through float32 buffers on the stack; both halves of a chunk are read before one is written, so that y may
// be x. Elements past the rotated part are copied bit by bit where the types agree. Bound by memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/elementwise/rope.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "core/failure.h"
#include "core/tensor.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

constexpr int64_t kPairChunk = 128;

HWY_INLINE void rotate(VF& a, VF& b, const float* cos, const float* sin) {
  const VF c = hn::LoadU(F32(), cos), s = hn::LoadU(F32(), sin);
  const VF first = hn::MulSub(a, c, hn::Mul(b, s));
  b = hn::MulAdd(b, c, hn::Mul(a, s));
  a = first;
}

// One head: pairs (i, i + pairs).
void rotate_halves(const wl_rope_params& p, int64_t from, int64_t to, const float* cos, const float* sin) {
  const int64_t pairs = p.cos.shape[1];
  alignas(64) float a[kPairChunk], b[kPairChunk], c[kPairChunk], s[kPairChunk];
  for (int64_t begin = 0; begin < pairs; begin += kPairChunk) {
    const int64_t n = pairs - begin < kPairChunk ? pairs - begin : kPairChunk;
    widen_padded(p.x.dtype, p.x.data, from + begin, n, 0, a);
    widen_padded(p.x.dtype, p.x.data, from + pairs + begin, n, 0, b);
    widen_padded(WL_DTYPE_FLOAT32, cos, begin, n, 0, c);
    widen_padded(WL_DTYPE_FLOAT32, sin, begin, n, 0, s);
    for (int64_t i = 0; i < n; i += kLanes) {
      VF first = hn::LoadU(F32(), a + i), second = hn::LoadU(F32(), b + i);
      rotate(first, second, c + i, s + i);
      hn::StoreU(first, F32(), a + i);
      hn::StoreU(second, F32(), b + i);
    }
    narrow(p.y.dtype, a, n, p.y.data, to + begin);
    narrow(p.y.dtype, b, n, p.y.data, to + pairs + begin);
  }
}

// One head: pairs (2i, 2i + 1).
void rotate_interleaved(const wl_rope_params& p, int64_t from, int64_t to, const float* cos,
                        const float* sin) {
  const int64_t pairs = p.cos.shape[1];
  alignas(64) float h[2 * kPairChunk], c[kPairChunk], s[kPairChunk];
  for (int64_t begin = 0; begin < pairs; begin += kPairChunk) {
    const int64_t n = pairs - begin < kPairChunk ? pairs - begin : kPairChunk;
    widen(p.x.dtype, p.x.data, from + 2 * begin, 2 * n, h);
    for (int64_t i = 2 * n; i < 2 * padded(n); ++i) h[i] = 0;
    widen_padded(WL_DTYPE_FLOAT32, cos, begin, n, 0, c);
    widen_padded(WL_DTYPE_FLOAT32, sin, begin, n, 0, s);
    for (int64_t i = 0; i < n; i += kLanes) {
      VF first, second;
      hn::LoadInterleaved2(F32(), h + 2 * i, first, second);
      rotate(first, second, c + i, s + i);
      hn::StoreInterleaved2(first, second, F32(), h + 2 * i);
    }
    narrow(p.y.dtype, h, 2 * n, p.y.data, to + 2 * begin);
  }
}

// The elements of a head that are not rotated.
void copy_rest(const wl_rope_params& p, int64_t from, int64_t to, int64_t count) {
  if (p.x.dtype == p.y.dtype) {
    const int64_t size = element_size(p.x.dtype);
    char* target = static_cast<char*>(p.y.data) + to * size;
    const char* source = static_cast<const char*>(p.x.data) + from * size;
    if (target != source) std::memcpy(target, source, static_cast<size_t>(count * size));
    return;
  }
  alignas(64) float h[kPairChunk];
  for (int64_t begin = 0; begin < count; begin += kPairChunk) {
    const int64_t n = count - begin < kPairChunk ? count - begin : kPairChunk;
    widen(p.x.dtype, p.x.data, from + begin, n, h);
    narrow(p.y.dtype, h, n, p.y.data, to + begin);
  }
}

void rope_token(const wl_rope_params& p, int64_t token) {
  const int64_t rotated = 2 * p.cos.shape[1], rest = p.x.shape[2] - rotated;
  const int64_t position = index_at(p.positions, token);
  const float* cos = static_cast<const float*>(p.cos.data) + position * p.cos.strides[0];
  const float* sin = static_cast<const float*>(p.sin.data) + position * p.sin.strides[0];
  for (int64_t head = 0; head < p.x.shape[1]; ++head) {
    const int64_t from = token * p.x.strides[0] + head * p.x.strides[1];
    const int64_t to = token * p.y.strides[0] + head * p.y.strides[1];
    if (p.flags & WL_ROPE_INTERLEAVED) {
      rotate_interleaved(p, from, to, cos, sin);
    } else {
      rotate_halves(p, from, to, cos, sin);
    }
    if (rest > 0) copy_rest(p, from + rotated, to + rotated, rest);
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
