// Special registers: who and where the calling thread is.
#pragma once

#include "cuda/ptx/config.h"

namespace wl::cuda::ptx {

#if defined(__CUDACC__)
WL_DEVICE uint32_t tid_x() { return threadIdx.x; }
WL_DEVICE uint32_t ctaid_x() { return blockIdx.x; }
WL_DEVICE uint32_t ctaid_y() { return blockIdx.y; }
WL_DEVICE uint32_t ctaid_z() { return blockIdx.z; }
WL_DEVICE uint32_t nctaid_x() { return gridDim.x; }
WL_DEVICE uint32_t nctaid_y() { return gridDim.y; }
WL_DEVICE uint32_t nctaid_z() { return gridDim.z; }
#else
WL_DEVICE uint32_t tid_x() { return emu::current_thread->tid.x; }
WL_DEVICE uint32_t ctaid_x() { return emu::current_thread->ctaid.x; }
WL_DEVICE uint32_t ctaid_y() { return emu::current_thread->ctaid.y; }
WL_DEVICE uint32_t ctaid_z() { return emu::current_thread->ctaid.z; }
WL_DEVICE uint32_t nctaid_x() { return emu::current_thread->nctaid.x; }
WL_DEVICE uint32_t nctaid_y() { return emu::current_thread->nctaid.y; }
WL_DEVICE uint32_t nctaid_z() { return emu::current_thread->nctaid.z; }
#endif

// Blocks are one-dimensional: lane and warp follow from tid_x.
WL_DEVICE uint32_t laneid() { return tid_x() & 31; }

}  // namespace wl::cuda::ptx
