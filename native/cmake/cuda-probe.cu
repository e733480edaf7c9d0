// What configure compiles with a CUDA toolkit to learn whether it works with the host compiler: a kernel in C++20 with
// the headers that ours include, and a launch.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <concepts>
#include <span>
#include <string>

#if __CUDACC_VER_MAJOR__ * 100 + __CUDACC_VER_MINOR__ < 1204
#error CUDA 12.4 or newer is needed
#endif

template <std::floating_point T>
__global__ void scale(T* x, const __nv_bfloat16* y, const __half* z) {
  x[threadIdx.x] *= static_cast<T>(__bfloat162float(y[threadIdx.x]) + __half2float(z[threadIdx.x]));
}

std::string launch(std::span<float> x, const __nv_bfloat16* y, const __half* z) {
  scale<<<1, static_cast<unsigned>(x.size())>>>(x.data(), y, z);
  return cudaGetErrorString(cudaGetLastError());
}
