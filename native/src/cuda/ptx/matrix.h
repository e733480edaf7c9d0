// ldmatrix, stmatrix and mma.sync. With g = lane / 4 and t = lane % 4, m16n8k16 keeps
//   A (16 x 16): a[0] (g, 2t..), a[1] (g + 8, 2t..), a[2] (g, 2t + 8..), a[3] (g + 8, 2t + 8..)
//   B (16 x 8):  b[0] (2t.., g), b[1] (2t + 8.., g)          two elements of k in a register, the lower one first
//   C (16 x 8):  c[0] (g, 2t), c[1] (g, 2t + 1), c[2] (g + 8, 2t), c[3] (g + 8, 2t + 1)
// and m16n8k8 of tf32 A: (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4); B: (t, g), (t + 4, g);
// m16n8k32 of int8 A: (g, 4t..), (g + 8, 4t..), (g, 4t + 16..), (g + 8, 4t + 16..); B: (4t.., g), (4t + 16.., g).
#pragma once

#include "cuda/ptx/shared.h"

namespace wl::cuda::ptx {

#if defined(__CUDACC__)
// 8 x 8 matrices of 16-bit elements. Lane l gives the address (16-byte aligned) of row l % 8 of matrix l / 8; register
// i receives elements (g, 2t..) of matrix i, transposed: (2t.., g).
WL_DEVICE void ldmatrix_x4(uint32_t (&d)[4], SharedAddress a, Site = Site::here()) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(a)
               : "memory");
}
WL_DEVICE void ldmatrix_x4_trans(uint32_t (&d)[4], SharedAddress a, Site = Site::here()) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(a)
               : "memory");
}
// The reverse: register i of the lanes is matrix i (sm_90).
WL_DEVICE void stmatrix_x4(SharedAddress a, const uint32_t (&x)[4], Site = Site::here()) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(a), "r"(x[0]),
               "r"(x[1]), "r"(x[2]), "r"(x[3])
               : "memory");
}
WL_DEVICE void stmatrix_x4_trans(SharedAddress a, const uint32_t (&x)[4], Site = Site::here()) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(a), "r"(x[0]),
               "r"(x[1]), "r"(x[2]), "r"(x[3])
               : "memory");
}
#define WL_MMA_16816(type)                                                            \
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." type "." type                 \
               ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                       \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))
// c += a b
WL_DEVICE void mma_m16n8k16_f32_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                                     Site = Site::here()) {
  WL_MMA_16816("bf16");
}
WL_DEVICE void mma_m16n8k16_f32_f16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                                    Site = Site::here()) {
  WL_MMA_16816("f16");
}
#undef WL_MMA_16816
WL_DEVICE void mma_m16n8k8_f32_tf32(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                                    Site = Site::here()) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
WL_DEVICE void mma_m16n8k32_s32_s8(int32_t (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                                   Site = Site::here()) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
#else
WL_DEVICE void stmatrix_x4(SharedAddress a, const uint32_t (&x)[4], Site s = Site::here()) {
  emu::stmatrix(a, x, 4, false, s);
}
WL_DEVICE void stmatrix_x4_trans(SharedAddress a, const uint32_t (&x)[4], Site s = Site::here()) {
  emu::stmatrix(a, x, 4, true, s);
}
WL_DEVICE void mma_m16n8k32_s32_s8(int32_t (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                                   Site s = Site::here()) {
  const uint32_t b[2] = {b0, b1};
  emu::mma_s8(c, a, b, c, s);
}
WL_DEVICE void ldmatrix_x4(uint32_t (&d)[4], SharedAddress a, Site s = Site::here()) {
  emu::ldmatrix(d, a, 4, false, s);
}
WL_DEVICE void ldmatrix_x4_trans(uint32_t (&d)[4], SharedAddress a, Site s = Site::here()) {
  emu::ldmatrix(d, a, 4, true, s);
}
WL_DEVICE void mma_float(emu::MmaType type, float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                         Site s) {
  const uint32_t b[2] = {b0, b1};
  emu::mma_float(type, c, a, b, c, s);
}
WL_DEVICE void mma_m16n8k16_f32_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                                     Site s = Site::here()) {
  mma_float(emu::MmaType::kBFloat16, c, a, b0, b1, s);
}
WL_DEVICE void mma_m16n8k16_f32_f16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                                    Site s = Site::here()) {
  mma_float(emu::MmaType::kFloat16, c, a, b0, b1, s);
}
WL_DEVICE void mma_m16n8k8_f32_tf32(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                                    Site s = Site::here()) {
  mma_float(emu::MmaType::kTf32, c, a, b0, b1, s);
}
#endif

}  // namespace wl::cuda::ptx
