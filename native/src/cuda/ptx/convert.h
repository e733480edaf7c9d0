// cvt: between float32 and the 16-bit types, which are bit patterns here. The first argument is the lower half.
#pragma once

#include "cuda/ptx/config.h"
#if !defined(__CUDACC__)
#include "core/convert.h"
#endif

namespace wl::cuda::ptx {

#if defined(__CUDACC__)
WL_DEVICE uint32_t cvt_rn_bf16x2_f32(float low, float high) {
  uint32_t d;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(high), "f"(low));
  return d;
}
WL_DEVICE uint32_t cvt_rn_f16x2_f32(float low, float high) {
  uint32_t d;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(high), "f"(low));
  return d;
}
WL_DEVICE uint16_t cvt_rn_bf16_f32(float x) {
  uint16_t d;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(d) : "f"(x));
  return d;
}
WL_DEVICE uint16_t cvt_rn_f16_f32(float x) {
  uint16_t d;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(d) : "f"(x));
  return d;
}
WL_DEVICE float cvt_f32_f16(uint16_t x) {
  float d;
  asm("cvt.f32.f16 %0, %1;" : "=f"(d) : "h"(x));
  return d;
}
// Round to nearest, ties away from zero: the bits of a tf32 operand.
WL_DEVICE uint32_t cvt_rna_tf32_f32(float x) {
  uint32_t d;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(d) : "f"(x));
  return d;
}
WL_DEVICE float mov_f32_b32(uint32_t bits) { return __uint_as_float(bits); }
WL_DEVICE uint32_t mov_b32_f32(float x) { return __float_as_uint(x); }
#else
WL_DEVICE float mov_f32_b32(uint32_t bits) { return __builtin_bit_cast(float, bits); }
WL_DEVICE uint32_t mov_b32_f32(float x) { return __builtin_bit_cast(uint32_t, x); }
// NaN becomes 0x7fff, as on hardware.
WL_DEVICE uint16_t cvt_rn_bf16_f32(float x) { return x != x ? 0x7fff : wl::float_to_bfloat16(x); }
WL_DEVICE uint16_t cvt_rn_f16_f32(float x) { return x != x ? 0x7fff : wl::float_to_float16(x); }
WL_DEVICE float cvt_f32_f16(uint16_t x) { return wl::float16_to_float(x); }
WL_DEVICE uint32_t cvt_rn_bf16x2_f32(float low, float high) {
  return cvt_rn_bf16_f32(low) | static_cast<uint32_t>(cvt_rn_bf16_f32(high)) << 16;
}
WL_DEVICE uint32_t cvt_rn_f16x2_f32(float low, float high) {
  return cvt_rn_f16_f32(low) | static_cast<uint32_t>(cvt_rn_f16_f32(high)) << 16;
}
WL_DEVICE uint32_t cvt_rna_tf32_f32(float x) {
  const uint32_t bits = mov_b32_f32(x);
  if ((bits & 0x7f800000u) == 0x7f800000u) return x != x ? 0x7fffffffu : bits;
  return (bits + 0x1000u) & ~0x1fffu;
}
#endif

// bfloat16 is the upper half of a float32.
WL_DEVICE float cvt_f32_bf16(uint16_t x) { return mov_f32_b32(static_cast<uint32_t>(x) << 16); }

}  // namespace wl::cuda::ptx
