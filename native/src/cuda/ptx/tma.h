// cp.async.bulk.tensor (sm_90): the copy engine moves a box of a tensor to shared memory; an mbarrier counts its bytes.
#pragma once

#include "cuda/ptx/mbarrier.h"
#if defined(__CUDACC__)
#include <cuda.h>
#endif

namespace wl::cuda {

// Made on the host; a kernel takes it in its parameters and hands on its address.
#if defined(__CUDACC__)
using TensorMap = CUtensorMap;
#else
using TensorMap = emu::TensorMap;
#endif

namespace ptx {

// Element (x, y) is the box's corner; elements outside the tensor are zeros and count as bytes all the same. `d` is a
// multiple of 128, with the 128-byte swizzle of 1024.
WL_DEVICE void cp_async_bulk_tensor_2d(SharedAddress d, const TensorMap& map, int32_t x, int32_t y,
                                       SharedAddress mbarrier, Site s = Site::here()) {
#if defined(__CUDACC__)
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], "
      "[%4];" ::"r"(d),
      "l"(&map), "r"(x), "r"(y), "r"(mbarrier)
      : "memory");
#else
  emu::tensor_copy_2d(d, map, x, y, mbarrier, s);
#endif
}

}  // namespace ptx
}  // namespace wl::cuda
