// What CUDA's errors mean to a caller of the C API: a status, and a text that says what to do.
#pragma once

#include "core/failure.h"
#include "cuda/runtime/api.h"

namespace wl::cuda {

// Versions as CUDA writes them, 12040 for 12.4; 0: none.
struct CudaVersions {
  int driver = 0, runtime = 0;
};

// Pure, so that each case can be tested without a driver. `text` is cudaGetErrorString's.
Failure failure_of(cudaError_t error, const char* call, const char* text, CudaVersions versions);

// Throws failure_of with what the machine says. The error is taken off the thread's last error, so that a caller who uses
// CUDA himself does not see it.
[[noreturn]] void fail_cuda(cudaError_t error, const char* call);

inline void check(cudaError_t error, const char* call) {
  if (error != cudaSuccess) fail_cuda(error, call);
}

}  // namespace wl::cuda
