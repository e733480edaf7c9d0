// The dialect in which device code is written, so that one source compiles under nvcc and, for the emulator, under g++.
//
// Rules of device code
// - no asm, __CUDA_ARCH__, <<<>>>, threadIdx, static __shared__, memcpy or memset outside cuda/ptx;
// - shared memory is addressed by 32-bit offsets (ptx/shared.h), global memory by Global<T> (ptx/global.h): neither can
//   be dereferenced, so that the emulator sees each access;
// - a fused multiply-add is spelled out (fma_rn); nothing else is fused (-fmad=false, -ffp-contract=off);
// - a kernel is WL_KERNEL(threads, blocks) void name(const WL_GRID_CONSTANT Params p), with one POD of parameters;
// - functions that synchronise, copy or access memory take a Site last and hand it on, so that reports name the kernel's
//   line and each call site can be mutated by itself.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)

#include <cuda_runtime.h>
#define WL_DEVICE __device__ __forceinline__
#define WL_HOST_DEVICE __host__ __device__ __forceinline__
#define WL_KERNEL(threads, blocks) __global__ void __launch_bounds__(threads, blocks)
#define WL_GRID_CONSTANT __grid_constant__
#define WL_UNROLL _Pragma("unroll")
#define WL_NO_UNROLL _Pragma("unroll 1")

namespace wl::cuda {
// Empty on hardware.
struct Site {
  static constexpr WL_HOST_DEVICE Site here() { return {}; }
};
}  // namespace wl::cuda

#else

#include "emulator/device.h"
// Nothing is unrolled or forced inline here: kernels would compile up to seven times longer.
#define WL_DEVICE inline
#define WL_HOST_DEVICE inline
#define WL_KERNEL(threads, blocks) void
#define WL_GRID_CONSTANT
#define WL_UNROLL
#define WL_NO_UNROLL

namespace wl::cuda {
using emu::Site;
}  // namespace wl::cuda

#endif

namespace wl::cuda {

// 8 and 16 bytes that move as one access.
struct alignas(8) U2 {
  uint32_t x, y;
};
struct alignas(16) U4 {
  uint32_t x, y, z, w;
};

}  // namespace wl::cuda
