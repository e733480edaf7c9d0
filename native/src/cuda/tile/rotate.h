// Heads copied from one tensor to another, rotated and converted on the way: what wl_rope and the cache's append share. A
// head of d elements is cut into chunks, one a thread: first those that are rotated, then those that are copied.
//
//   pairs (i, i + R/2):   chunk c holds elements cV.. and R/2 + cV.. (V pairs)
//   pairs (2i, 2i + 1):   chunk c holds elements cV.. (V/2 pairs; one pair where V is 1)
//
// A chunk is read whole before it is written, so that the target may be the source.
#pragma once

#include <limits>

#include "cuda/ptx/math.h"
#include "cuda/tile/elements.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {

struct Rotation {
  const float* cos;
  const float* sin;
  int64_t cos_stride, sin_stride;
  int64_t positions;     // rows of the tables; no end where there are none
  uint32_t pairs;        // 0: nothing is rotated
  uint32_t interleaved;  // 0 or 1
};

struct HeadChunks {
  uint32_t rotated, all;
};

// cos and sin absent: no rotation.
inline Rotation rotation_of(const wl_tensor& cos, const wl_tensor& sin, bool interleaved) {
  if (!present(cos)) return {nullptr, nullptr, 0, 0, std::numeric_limits<int64_t>::max(), 0, 0};
  return {static_cast<const float*>(data_of(cos)),
          static_cast<const float*>(data_of(sin)),
          cos.strides[0],
          sin.strides[0],
          cos.shape[0],
          static_cast<uint32_t>(cos.shape[1]),
          interleaved ? 1u : 0u};
}

// Whether heads of `width` elements can be cut into chunks of V whole accesses.
inline bool heads_aligned(int64_t width, const Rotation& r, int V) {
  const int64_t step = r.interleaved ? 2 * int64_t{r.pairs} : r.pairs;
  return width % V == 0 && step % V == 0;
}
inline HeadChunks head_chunks(int64_t width, const Rotation& r, int V) {
  const int64_t pairs = r.pairs, rotated = V == 1 ? pairs : r.interleaved ? 2 * pairs / V : pairs / V;
  return {static_cast<uint32_t>(rotated), static_cast<uint32_t>(rotated + (width - 2 * pairs) / V)};
}

// K values of a table of float32 (K a power of two), from an address aligned to the access where K > 1.
template <int K>
WL_DEVICE void load_angles(const float* table, int64_t at, float (&values)[K], Site s = Site::here()) {
  const Global<const float> a = Global<const float>{table} + at;
  if constexpr (K >= 4) {
    WL_UNROLL
    for (int i = 0; i < K; i += 4) {
      const U4 w = ptx::ld_global_nc_v4_b32(a + i, s);
      values[i] = ptx::mov_f32_b32(w.x);
      values[i + 1] = ptx::mov_f32_b32(w.y);
      values[i + 2] = ptx::mov_f32_b32(w.z);
      values[i + 3] = ptx::mov_f32_b32(w.w);
    }
  } else if constexpr (K == 2) {
    const U2 w = ptx::ld_global_nc_v2_b32(a, s);
    values[0] = ptx::mov_f32_b32(w.x);
    values[1] = ptx::mov_f32_b32(w.y);
  } else {
    values[0] = ptx::mov_f32_b32(ptx::ld_global_nc_b32(a, s));
  }
}

WL_DEVICE void rotate_pair(float& a, float& b, float cos, float sin) {
  const float first = ptx::fma_rn_f32(a, cos, -(b * sin));
  b = ptx::fma_rn_f32(b, cos, a * sin);
  a = first;
}

// Chunk `chunk` of the head at x + from, to the head at y + to. A position outside the tables has cos = sin = 0.
template <int V>
WL_DEVICE void rotate_chunk(const Elements& x, int64_t from, const Elements& y, int64_t to, const Rotation& r,
                            const HeadChunks& chunks, int64_t position, uint32_t chunk,
                            Site s = Site::here()) {
  if (chunk >= chunks.rotated) {
    const int64_t at = 2 * int64_t{r.pairs} + int64_t{chunk - chunks.rotated} * V;
    return convert<V>(x, from + at, y, to + at, s);
  }
  const bool known = position >= 0 && position < r.positions;
  const int64_t cos_row = position * r.cos_stride, sin_row = position * r.sin_stride;
  if (r.interleaved && V > 1) {
    constexpr int kPairs = V > 1 ? V / 2 : 1;
    const int64_t at = int64_t{chunk} * V, pair = int64_t{chunk} * kPairs;
    float h[V], cos[kPairs] = {}, sin[kPairs] = {};
    if (known) {
      load_angles(r.cos, cos_row + pair, cos);
      load_angles(r.sin, sin_row + pair, sin);
    }
    load(x, from + at, h, s);
    WL_UNROLL
    for (int i = 0; i + 1 < V; i += 2) rotate_pair(h[i], h[i + 1], cos[i / 2], sin[i / 2]);
    store(y, to + at, h, s);
  } else {
    const int64_t pair = int64_t{chunk} * V;
    const int64_t first = r.interleaved ? 2 * pair : pair,
                  second = r.interleaved ? first + 1 : first + r.pairs;
    float a[V], b[V], cos[V] = {}, sin[V] = {};
    const RawElements raw_a = load_raw<V>(x, from + first, s), raw_b = load_raw<V>(x, from + second, s);
    if (known) {
      load_angles(r.cos, cos_row + pair, cos);
      load_angles(r.sin, sin_row + pair, sin);
    }
    unpack(x.dtype, raw_a, a);
    unpack(x.dtype, raw_b, b);
    WL_UNROLL
    for (int i = 0; i < V; ++i) rotate_pair(a[i], b[i], cos[i], sin[i]);
    store(y, to + first, a, s);
    store(y, to + second, b, s);
  }
}

}  // namespace wl::cuda
