// The most that mma.sync gives: products whose operands never leave the registers.
//
//   warp | acc[0..7] += a b   eight chains, so that one product does not wait for the one before
//
// Eight warps a block and two blocks a multiprocessor fill every tensor core; nothing is read, and a value is written
// only where the sums say something that they cannot, so that no product is left out.
#include <cuda_runtime.h>

#include "cuda/ptx/matrix.h"

namespace {

constexpr int kChains = 8;
constexpr int kThreads = 256;
constexpr int kBlocksPerMultiprocessor = 2;
// Of one product of 16 x 8 x 16, a multiplication and an addition each.
constexpr double kOperations = 2.0 * 16 * 8 * 16;

__global__ void __launch_bounds__(kThreads, kBlocksPerMultiprocessor) mma_loop(float* out, int rounds) {
  float c[kChains][4] = {};
  const uint32_t one = 0x3f803f80;  // two bfloat16
  const uint32_t a[4] = {one + threadIdx.x, one, one, one};
#pragma unroll 4
  for (int round = 0; round < rounds; ++round) {
#pragma unroll
    for (int chain = 0; chain < kChains; ++chain)
      wl::cuda::ptx::mma_m16n8k16_f32_bf16(c[chain], a, one, one);
  }
  float sum = 0;
#pragma unroll
  for (int chain = 0; chain < kChains; ++chain) sum += c[chain][0] + c[chain][1] + c[chain][2] + c[chain][3];
  if (sum == -1.0f) *out = sum;
}

}  // namespace

// Enqueues the loop on a stream of the current device; `operations` receives how many it does. Returns a cudaError_t.
extern "C" __attribute__((visibility("default"))) int warpline_mma_loop(float* out, int rounds, void* stream,
                                                                        double* operations) {
  int device = 0, multiprocessors = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess)
    error = cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device);
  if (error != cudaSuccess) return error;
  const int blocks = multiprocessors * kBlocksPerMultiprocessor;
  mma_loop<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(out, rounds);
  *operations = kOperations * kChains * rounds * blocks * (kThreads / 32);
  return cudaGetLastError();
}
