// wgmma (sm_90a): products of a warp group (128 threads) out of shared memory. Thread t of warp w keeps of the 64 x 64
// accumulators, with g = lane / 4 and t = lane % 4,
//   c[4 j + i]: row 16 w + g + 8 (i / 2), column 8 j + 2 t + i % 2.
#pragma once

#include "cuda/ptx/shared.h"

namespace wl::cuda::ptx {

// A matrix in rows of 128 bytes with the 128-byte swizzle, groups of eight rows `stride` bytes apart. Sixteen elements
// further along a row: + 2; eight rows further: + stride / 16.
WL_HOST_DEVICE uint64_t wgmma_descriptor(SharedAddress a, uint32_t stride) {
  constexpr uint64_t kSwizzle128 = 1;
  constexpr uint32_t kUnused = 1;  // the leading offset, of one
  return a >> 4 | static_cast<uint64_t>(kUnused) << 16 | static_cast<uint64_t>(stride >> 4) << 32 |
         kSwizzle128 << 62;
}

#if defined(__CUDACC__)
// Before the first product, and whenever the threads have touched the accumulators since.
WL_DEVICE void wgmma_fence(Site = Site::here()) { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
WL_DEVICE void wgmma_commit_group(Site = Site::here()) {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
// Until at most kPending committed groups are under way.
template <int kPending>
WL_DEVICE void wgmma_wait_group(Site = Site::here()) {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}
// Registers of a thread from here on; frees or asks for the difference.
template <int kRegisters>
WL_DEVICE void setmaxnreg_dec(Site = Site::here()) {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
WL_DEVICE void setmaxnreg_inc(Site = Site::here()) {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
// c (+)= a b; a and b by descriptor, transposed where k does not run along the rows.
template <bool kTransposeA, bool kTransposeB>
WL_DEVICE void wgmma_m64n64k16_f32_bf16(float (&c)[32], uint64_t a, uint64_t b, bool accumulate,
                                        Site = Site::here()) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.ne.b32 add, %34, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, add, 1, 1, "
      "%35, %36;\n"
      "}"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7]),
        "+f"(c[8]), "+f"(c[9]), "+f"(c[10]), "+f"(c[11]), "+f"(c[12]), "+f"(c[13]), "+f"(c[14]), "+f"(c[15]),
        "+f"(c[16]), "+f"(c[17]), "+f"(c[18]), "+f"(c[19]), "+f"(c[20]), "+f"(c[21]), "+f"(c[22]),
        "+f"(c[23]), "+f"(c[24]), "+f"(c[25]), "+f"(c[26]), "+f"(c[27]), "+f"(c[28]), "+f"(c[29]),
        "+f"(c[30]), "+f"(c[31])
      : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)), "n"(kTransposeA ? 1 : 0),
        "n"(kTransposeB ? 1 : 0));
}
#else
WL_DEVICE void wgmma_fence(Site s = Site::here()) { emu::wgmma_fence(s); }
WL_DEVICE void wgmma_commit_group(Site s = Site::here()) { emu::wgmma_commit_group(s); }
template <int kPending>
WL_DEVICE void wgmma_wait_group(Site s = Site::here()) {
  emu::wgmma_wait_group(kPending, s);
}
template <int kRegisters>
WL_DEVICE void setmaxnreg_dec(Site s = Site::here()) {
  emu::setmaxnreg(kRegisters, s);
}
template <int kRegisters>
WL_DEVICE void setmaxnreg_inc(Site s = Site::here()) {
  emu::setmaxnreg(kRegisters, s);
}
template <bool kTransposeA, bool kTransposeB>
WL_DEVICE void wgmma_m64n64k16_f32_bf16(float (&c)[32], uint64_t a, uint64_t b, bool accumulate,
                                        Site s = Site::here()) {
  emu::wgmma_m64n64k16_bf16(c, a, b, accumulate, kTransposeA, kTransposeB, s);
}
#endif

}  // namespace wl::cuda::ptx
