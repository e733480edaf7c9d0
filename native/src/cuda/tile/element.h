// Element types of tiles. Memory and shared tiles hold bit patterns; a type says how wide they are, how two of them are
// packed into a register, and which mma.sync multiplies them.
//
//   register of a fragment:   | upper 16 bits: element k + 1 | lower 16 bits: element k |
#pragma once

#include "cuda/ptx/convert.h"
#include "cuda/ptx/matrix.h"

namespace wl::cuda::tile {

struct BFloat16 {
  using Bits = uint16_t;
  static WL_DEVICE uint32_t pack(float low, float high) { return ptx::cvt_rn_bf16x2_f32(low, high); }
  static WL_DEVICE Bits round(float x) { return ptx::cvt_rn_bf16_f32(x); }
  static WL_DEVICE float widen(Bits x) { return ptx::cvt_f32_bf16(x); }
  // c (16 x 8) += a (16 x 16) b (16 x 8)
  static WL_DEVICE void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, Site s) {
    ptx::mma_m16n8k16_f32_bf16(c, a, b0, b1, s);
  }
};

struct Float16 {
  using Bits = uint16_t;
  static WL_DEVICE uint32_t pack(float low, float high) { return ptx::cvt_rn_f16x2_f32(low, high); }
  static WL_DEVICE Bits round(float x) { return ptx::cvt_rn_f16_f32(x); }
  static WL_DEVICE float widen(Bits x) { return ptx::cvt_f32_f16(x); }
  static WL_DEVICE void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, Site s) {
    ptx::mma_m16n8k16_f32_f16(c, a, b0, b1, s);
  }
};

struct Float32 {
  using Bits = uint32_t;
  static WL_DEVICE Bits round(float x) { return ptx::mov_b32_f32(x); }
  static WL_DEVICE float widen(Bits x) { return ptx::mov_f32_b32(x); }
};

}  // namespace wl::cuda::tile
