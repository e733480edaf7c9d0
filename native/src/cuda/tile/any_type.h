// Access to memory whose float type is known at run time only: epilogues, biases, mixed operands. Loads are plain ones,
// so the memory may be what the same thread writes afterwards.
#pragma once

#include <warpline/core.h>  // WL_DTYPE_*

#include "cuda/ptx/convert.h"
#include "cuda/ptx/global.h"

namespace wl::cuda::tile {

template <class Bits>
WL_DEVICE Global<const Bits> elements_of(const void* data, int64_t i) {
  return {static_cast<const Bits*>(data) + i};
}
template <class Bits>
WL_DEVICE Global<Bits> elements_of(void* data, int64_t i) {
  return {static_cast<Bits*>(data) + i};
}

// Element i.
WL_DEVICE float load_any(int32_t dtype, const void* data, int64_t i, Site s = Site::here()) {
  if (dtype == WL_DTYPE_FLOAT32)
    return ptx::mov_f32_b32(ptx::ld_global_b32(elements_of<uint32_t>(data, i), s));
  const uint16_t bits = ptx::ld_global_b16(elements_of<uint16_t>(data, i), s);
  return dtype == WL_DTYPE_BFLOAT16 ? ptx::cvt_f32_bf16(bits) : ptx::cvt_f32_f16(bits);
}

// Elements i to i + 3 as one access: their address must be a multiple of their size.
WL_DEVICE void load_any4(int32_t dtype, const void* data, int64_t i, float (&v)[4], Site s = Site::here()) {
  if (dtype == WL_DTYPE_FLOAT32) {
    const U4 bits = ptx::ld_global_v4_b32(elements_of<uint32_t>(data, i), s);
    v[0] = ptx::mov_f32_b32(bits.x), v[1] = ptx::mov_f32_b32(bits.y);
    v[2] = ptx::mov_f32_b32(bits.z), v[3] = ptx::mov_f32_b32(bits.w);
    return;
  }
  const U2 bits = ptx::ld_global_v2_b32(elements_of<uint16_t>(data, i), s);
  const uint16_t each[4] = {static_cast<uint16_t>(bits.x), static_cast<uint16_t>(bits.x >> 16),
                            static_cast<uint16_t>(bits.y), static_cast<uint16_t>(bits.y >> 16)};
  WL_UNROLL
  for (int j = 0; j < 4; ++j)
    v[j] = dtype == WL_DTYPE_BFLOAT16 ? ptx::cvt_f32_bf16(each[j]) : ptx::cvt_f32_f16(each[j]);
}

// Rounds to the type, to nearest even.
WL_DEVICE void store_any(int32_t dtype, void* data, int64_t i, float v, Site s = Site::here()) {
  if (dtype == WL_DTYPE_FLOAT32)
    return ptx::st_global_b32(elements_of<uint32_t>(data, i), ptx::mov_b32_f32(v), s);
  ptx::st_global_b16(elements_of<uint16_t>(data, i),
                     dtype == WL_DTYPE_BFLOAT16 ? ptx::cvt_rn_bf16_f32(v) : ptx::cvt_rn_f16_f32(v), s);
}

WL_DEVICE void store_any4(int32_t dtype, void* data, int64_t i, const float (&v)[4], Site s = Site::here()) {
  if (dtype == WL_DTYPE_FLOAT32) {
    ptx::st_global_v4_b32(
        elements_of<uint32_t>(data, i),
        U4{ptx::mov_b32_f32(v[0]), ptx::mov_b32_f32(v[1]), ptx::mov_b32_f32(v[2]), ptx::mov_b32_f32(v[3])},
        s);
  } else if (dtype == WL_DTYPE_BFLOAT16) {
    ptx::st_global_v2_b32(elements_of<uint16_t>(data, i),
                          U2{ptx::cvt_rn_bf16x2_f32(v[0], v[1]), ptx::cvt_rn_bf16x2_f32(v[2], v[3])}, s);
  } else {
    ptx::st_global_v2_b32(elements_of<uint16_t>(data, i),
                          U2{ptx::cvt_rn_f16x2_f32(v[0], v[1]), ptx::cvt_rn_f16x2_f32(v[2], v[3])}, s);
  }
}

}  // namespace wl::cuda::tile
