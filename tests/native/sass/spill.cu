// More values than there are registers for.
__global__ void __launch_bounds__(1024, 2) spill(float* x) {
  float v[40];
  for (int i = 0; i < 40; ++i) v[i] = x[i * 1024 + threadIdx.x];
  __syncthreads();
  for (int i = 0; i < 40; ++i) x[i * 1024 + threadIdx.x] = v[39 - i];
}
