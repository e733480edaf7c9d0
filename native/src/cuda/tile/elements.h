// Elements whose type is known at run time (float32, float16, bfloat16): float32 in registers, V of them an access. Loads are
// plain ones, so that the memory may be what the same thread writes afterwards.
//
//   V    types                             access
//   8    16-bit only                       16 bytes
//   4    float32, or both                  16 bytes (float32), 8 bytes (16-bit)
//   1    any                               one element
//
// So that lanes side by side always touch whole 32-byte sectors, whatever the mixture. The branch on the type is uniform.
#pragma once

#include <warpline/core.h>

#include "cuda/ptx/convert.h"
#include "cuda/ptx/global.h"

namespace wl::cuda {

struct Elements {
  void* data;
  int32_t dtype;

  // Element i, where the type is known.
  template <class Bits>
  WL_DEVICE Global<const Bits> at(int64_t i) const {
    return Global<const Bits>{static_cast<const Bits*>(data)} + i;
  }
};

// V elements as they lie in memory, in the lower words.
struct RawElements {
  U4 words;
};

template <int V>
WL_DEVICE RawElements load_raw(const Elements& e, int64_t at, Site s = Site::here()) {
  const Global<const uint32_t> words = Global<const uint32_t>{static_cast<const uint32_t*>(e.data)} + at;
  const Global<const uint16_t> halves = Global<const uint16_t>{static_cast<const uint16_t*>(e.data)} + at;
  const bool wide = e.dtype == WL_DTYPE_FLOAT32;
  if constexpr (V == 8) {
    return {ptx::ld_global_v4_b32(halves, s)};
  } else if constexpr (V == 4) {
    if (wide) return {ptx::ld_global_v4_b32(words, s)};
    const U2 pair = ptx::ld_global_v2_b32(halves, s);
    return {{pair.x, pair.y, 0, 0}};
  } else {
    static_assert(V == 1);
    return {{wide ? ptx::ld_global_b32(words, s) : ptx::ld_global_b16(halves, s), 0, 0, 0}};
  }
}

template <int V>
WL_DEVICE void store_raw(const Elements& e, int64_t at, const RawElements& raw, Site s = Site::here()) {
  const Global<uint32_t> words = Global<uint32_t>{static_cast<uint32_t*>(e.data)} + at;
  const Global<uint16_t> halves = Global<uint16_t>{static_cast<uint16_t*>(e.data)} + at;
  const bool wide = e.dtype == WL_DTYPE_FLOAT32;
  if constexpr (V == 8) {
    ptx::st_global_v4_b32(halves, raw.words, s);
  } else if constexpr (V == 4) {
    if (wide) return ptx::st_global_v4_b32(words, raw.words, s);
    ptx::st_global_v2_b32(halves, {raw.words.x, raw.words.y}, s);
  } else {
    static_assert(V == 1);
    if (wide) return ptx::st_global_b32(words, raw.words.x, s);
    ptx::st_global_b16(halves, static_cast<uint16_t>(raw.words.x), s);
  }
}

WL_DEVICE void unpack_pair(int32_t dtype, uint32_t word, float& low, float& high) {
  if (dtype == WL_DTYPE_BFLOAT16) {
    low = ptx::mov_f32_b32(word << 16);
    high = ptx::mov_f32_b32(word & 0xffff0000u);
  } else {
    low = ptx::cvt_f32_f16(static_cast<uint16_t>(word));
    high = ptx::cvt_f32_f16(static_cast<uint16_t>(word >> 16));
  }
}

WL_DEVICE uint32_t pack_pair(int32_t dtype, float low, float high) {
  return dtype == WL_DTYPE_BFLOAT16 ? ptx::cvt_rn_bf16x2_f32(low, high) : ptx::cvt_rn_f16x2_f32(low, high);
}

template <int V>
WL_DEVICE void unpack(int32_t dtype, const RawElements& raw, float (&x)[V]) {
  const U4& w = raw.words;
  if constexpr (V == 8) {
    unpack_pair(dtype, w.x, x[0], x[1]);
    unpack_pair(dtype, w.y, x[2], x[3]);
    unpack_pair(dtype, w.z, x[4], x[5]);
    unpack_pair(dtype, w.w, x[6], x[7]);
  } else if constexpr (V == 4) {
    if (dtype == WL_DTYPE_FLOAT32) {
      x[0] = ptx::mov_f32_b32(w.x);
      x[1] = ptx::mov_f32_b32(w.y);
      x[2] = ptx::mov_f32_b32(w.z);
      x[3] = ptx::mov_f32_b32(w.w);
    } else {
      unpack_pair(dtype, w.x, x[0], x[1]);
      unpack_pair(dtype, w.y, x[2], x[3]);
    }
  } else {
    float unused = 0;
    if (dtype == WL_DTYPE_FLOAT32) {
      x[0] = ptx::mov_f32_b32(w.x);
    } else {
      unpack_pair(dtype, w.x, x[0], unused);
    }
  }
}

template <int V>
WL_DEVICE RawElements pack(int32_t dtype, const float (&x)[V]) {
  if constexpr (V == 8) {
    return {{pack_pair(dtype, x[0], x[1]), pack_pair(dtype, x[2], x[3]), pack_pair(dtype, x[4], x[5]),
             pack_pair(dtype, x[6], x[7])}};
  } else if constexpr (V == 4) {
    if (dtype == WL_DTYPE_FLOAT32) {
      return {
          {ptx::mov_b32_f32(x[0]), ptx::mov_b32_f32(x[1]), ptx::mov_b32_f32(x[2]), ptx::mov_b32_f32(x[3])}};
    }
    return {{pack_pair(dtype, x[0], x[1]), pack_pair(dtype, x[2], x[3]), 0, 0}};
  } else {
    if (dtype == WL_DTYPE_FLOAT32) return {{ptx::mov_b32_f32(x[0]), 0, 0, 0}};
    return {{pack_pair(dtype, x[0], 0), 0, 0, 0}};
  }
}

template <int V>
WL_DEVICE void load(const Elements& e, int64_t at, float (&x)[V], Site s = Site::here()) {
  unpack(e.dtype, load_raw<V>(e, at, s), x);
}
template <int V>
WL_DEVICE void store(const Elements& e, int64_t at, const float (&x)[V], Site s = Site::here()) {
  store_raw<V>(e, at, pack(e.dtype, x), s);
}

WL_DEVICE float load_one(const Elements& e, int64_t at, Site s = Site::here()) {
  float x[1];
  load(e, at, x, s);
  return x[0];
}
WL_DEVICE void store_one(const Elements& e, int64_t at, float value, Site s = Site::here()) {
  const float x[1] = {value};
  store(e, at, x, s);
}

// Copies V elements, bit by bit where the types agree.
template <int V>
WL_DEVICE void convert(const Elements& from, int64_t from_at, const Elements& to, int64_t to_at,
                       Site s = Site::here()) {
  RawElements raw = load_raw<V>(from, from_at, s);
  if (from.dtype != to.dtype) {
    float x[V];
    unpack(from.dtype, raw, x);
    raw = pack(to.dtype, x);
  }
  store_raw<V>(to, to_at, raw, s);
}

// An element of an int32 index array.
WL_DEVICE int32_t load_index(const int32_t* indices, int64_t at, Site s = Site::here()) {
  return static_cast<int32_t>(ptx::ld_global_b32(Global<const int32_t>{indices} + at, s));
}

}  // namespace wl::cuda
