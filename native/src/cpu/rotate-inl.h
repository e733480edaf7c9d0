// Copies of heads from one tensor to another, rotated and converted on the way, once for each target: what rope and
// the cache's append share. Included inside foreach_target loops.
#if defined(WARPLINE_CPU_ROTATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WARPLINE_CPU_ROTATE_INL_H_
#undef WARPLINE_CPU_ROTATE_INL_H_
#else
#define WARPLINE_CPU_ROTATE_INL_H_
#endif

#include "core/tensor.h"
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

constexpr int64_t kPairChunk = 128;

// The rotation of one position: cos and sin of `pairs` angles.
struct Rotation {
  const float* cos;
  const float* sin;
  int64_t pairs;
  bool interleaved;  // pairs (2i, 2i + 1), else (i, i + pairs)
};

HWY_INLINE void rotate(VF& a, VF& b, const float* cos, const float* sin) {
  const VF c = hn::LoadU(F32(), cos), s = hn::LoadU(F32(), sin);
  const VF first = hn::MulSub(a, c, hn::Mul(b, s));
  b = hn::MulAdd(b, c, hn::Mul(a, s));
  a = first;
}

// Pairs (i, i + pairs). Both halves of a chunk are read before one is written, so that y may be x.
HWY_INLINE void rotate_halves(const wl_tensor& x, int64_t from, const wl_tensor& y, int64_t to,
                              const Rotation& r) {
  alignas(64) float a[kPairChunk], b[kPairChunk], c[kPairChunk], s[kPairChunk];
  for (int64_t begin = 0; begin < r.pairs; begin += kPairChunk) {
    const int64_t n = r.pairs - begin < kPairChunk ? r.pairs - begin : kPairChunk;
    widen_padded(x.dtype, x.data, from + begin, n, 0, a);
    widen_padded(x.dtype, x.data, from + r.pairs + begin, n, 0, b);
    widen_padded(WL_DTYPE_FLOAT32, r.cos, begin, n, 0, c);
    widen_padded(WL_DTYPE_FLOAT32, r.sin, begin, n, 0, s);
    for (int64_t i = 0; i < n; i += kLanes) {
      VF first = hn::LoadU(F32(), a + i), second = hn::LoadU(F32(), b + i);
      rotate(first, second, c + i, s + i);
      hn::StoreU(first, F32(), a + i);
      hn::StoreU(second, F32(), b + i);
    }
    narrow(y.dtype, a, n, y.data, to + begin);
    narrow(y.dtype, b, n, y.data, to + r.pairs + begin);
  }
}

// Pairs (2i, 2i + 1).
HWY_INLINE void rotate_interleaved(const wl_tensor& x, int64_t from, const wl_tensor& y, int64_t to,
                                   const Rotation& r) {
  alignas(64) float h[2 * kPairChunk], c[kPairChunk], s[kPairChunk];
  for (int64_t begin = 0; begin < r.pairs; begin += kPairChunk) {
    const int64_t n = r.pairs - begin < kPairChunk ? r.pairs - begin : kPairChunk;
    widen(x.dtype, x.data, from + 2 * begin, 2 * n, h);
    for (int64_t i = 2 * n; i < 2 * padded(n); ++i) h[i] = 0;
    widen_padded(WL_DTYPE_FLOAT32, r.cos, begin, n, 0, c);
    widen_padded(WL_DTYPE_FLOAT32, r.sin, begin, n, 0, s);
    for (int64_t i = 0; i < n; i += kLanes) {
      VF first, second;
      hn::LoadInterleaved2(F32(), h + 2 * i, first, second);
      rotate(first, second, c + i, s + i);
      hn::StoreInterleaved2(first, second, F32(), h + 2 * i);
    }
    narrow(y.dtype, h, 2 * n, y.data, to + 2 * begin);
  }
}

// y[to, to + count) = x[from, from + count), bit by bit where the types agree.
HWY_INLINE void copy_elements(const wl_tensor& x, int64_t from, const wl_tensor& y, int64_t to,
                              int64_t count) {
  if (count == 0) return;
  if (x.dtype == y.dtype) {
    const int64_t size = element_size(x.dtype);
    char* target = static_cast<char*>(y.data) + to * size;
    const char* source = static_cast<const char*>(x.data) + from * size;
    if (target != source) std::memcpy(target, source, static_cast<size_t>(count * size));
    return;
  }
  alignas(64) float h[kPairChunk];
  for (int64_t begin = 0; begin < count; begin += kPairChunk) {
    const int64_t n = count - begin < kPairChunk ? count - begin : kPairChunk;
    widen(x.dtype, x.data, from + begin, n, h);
    narrow(y.dtype, h, n, y.data, to + begin);
  }
}

// A head of `width` elements: its first 2 * pairs are rotated, the others are copied.
HWY_INLINE void rotate_head(const wl_tensor& x, int64_t from, const wl_tensor& y, int64_t to, int64_t width,
                            const Rotation& r) {
  if (r.interleaved) {
    rotate_interleaved(x, from, y, to, r);
  } else {
    rotate_halves(x, from, y, to, r);
  }
  const int64_t rotated = 2 * r.pairs;
  if (rotated < width) copy_elements(x, from + rotated, y, to + rotated, width - rotated);
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
