// Arithmetic by single instructions. ftz: subnormal operands and results are zero.
#pragma once

#include "cuda/ptx/config.h"
#if !defined(__CUDACC__)
#include <cmath>
#endif

namespace wl::cuda::ptx {

#if defined(__CUDACC__)
WL_DEVICE float fma_rn_f32(float a, float b, float c) { return __fmaf_rn(a, b, c); }
WL_DEVICE float abs_f32(float x) { return fabsf(x); }
WL_DEVICE float min_f32(float a, float b) { return fminf(a, b); }
WL_DEVICE float max_f32(float a, float b) { return fmaxf(a, b); }
WL_DEVICE float div_rn_f32(float a, float b) { return __fdiv_rn(a, b); }
WL_DEVICE float sqrt_rn_f32(float x) { return __fsqrt_rn(x); }
// 2^x, relative error at most 2^-22.
WL_DEVICE float ex2_approx_ftz_f32(float x) {
  float d;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(d) : "f"(x));
  return d;
}
// log2(x), absolute error at most 2^-22 inside [0.5, 2], relative error at most 2^-22 outside.
WL_DEVICE float lg2_approx_ftz_f32(float x) {
  float d;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(d) : "f"(x));
  return d;
}
// 1 / x, at most 1 ulp off.
WL_DEVICE float rcp_approx_ftz_f32(float x) {
  float d;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(d) : "f"(x));
  return d;
}
// Relative error at most 2^-22.9.
WL_DEVICE float rsqrt_approx_ftz_f32(float x) {
  float d;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(d) : "f"(x));
  return d;
}
// Relative error at most 2^-11.
WL_DEVICE float tanh_approx_f32(float x) {
  float d;
  asm("tanh.approx.f32 %0, %1;" : "=f"(d) : "f"(x));
  return d;
}
WL_DEVICE uint32_t prmt_b32(uint32_t a, uint32_t b, uint32_t selector) { return __byte_perm(a, b, selector); }
// Number of bits that are set.
WL_DEVICE uint32_t popc_b32(uint32_t x) { return static_cast<uint32_t>(__popc(x)); }
#else
WL_DEVICE float fma_rn_f32(float a, float b, float c) { return std::fma(a, b, c); }
WL_DEVICE float abs_f32(float x) { return std::fabs(x); }
// A NaN operand loses, as on hardware.
WL_DEVICE float min_f32(float a, float b) { return a != a || b < a ? b : a; }
WL_DEVICE float max_f32(float a, float b) { return a != a || b > a ? b : a; }
WL_DEVICE float div_rn_f32(float a, float b) { return a / b; }
WL_DEVICE float sqrt_rn_f32(float x) { return std::sqrt(x); }
WL_DEVICE float ex2_approx_ftz_f32(float x) { return emu::ex2_approx_ftz(x); }
WL_DEVICE float lg2_approx_ftz_f32(float x) { return emu::lg2_approx_ftz(x); }
WL_DEVICE float rcp_approx_ftz_f32(float x) { return emu::rcp_approx_ftz(x); }
WL_DEVICE float rsqrt_approx_ftz_f32(float x) { return emu::rsqrt_approx_ftz(x); }
WL_DEVICE float tanh_approx_f32(float x) { return emu::tanh_approx(x); }
WL_DEVICE uint32_t popc_b32(uint32_t x) { return static_cast<uint32_t>(__builtin_popcount(x)); }
WL_DEVICE uint32_t prmt_b32(uint32_t a, uint32_t b, uint32_t selector) {
  const uint64_t bytes = a | static_cast<uint64_t>(b) << 32;
  uint32_t d = 0;
  for (int i = 0; i < 4; ++i) {
    const uint32_t pick = selector >> (4 * i) & 0xf;
    uint32_t byte = static_cast<uint32_t>(bytes >> (8 * (pick & 7))) & 0xff;
    if (pick & 8) byte = byte & 0x80 ? 0xff : 0;
    d |= byte << (8 * i);
  }
  return d;
}
#endif

}  // namespace wl::cuda::ptx
