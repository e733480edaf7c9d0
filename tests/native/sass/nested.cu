// A loop over tiles around two loops of products: one with a compare for each element, and a plain one with a shuffle in a
// branch, whose slow way the compiler moves behind the end.
#include <cstdint>
__device__ void product(float (&d)[4], const uint32_t (&x)[4]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%4, %6}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]));
}
__global__ void __launch_bounds__(32)
    nested(const uint32_t* __restrict__ a, float* c, int tiles, int plain, int masked) {
#pragma unroll 1
  for (int t = blockIdx.x; t < tiles; t += gridDim.x) {
    float d[4] = {};
    uint32_t x[4] = {a[t], a[t + 1], a[t + 2], a[t + 3]};
#pragma unroll 1
    for (int s = 0; s < masked; ++s) {
      product(d, x);
      for (int i = 0; i < 4; ++i)
        if (s + i > (int)threadIdx.x) d[i] = -1;
      product(d, x);
    }
#pragma unroll 1
    for (int s = 0; s < plain; ++s) {
      product(d, x);
      if (d[0] > 4) d[1] += __shfl_xor_sync(~0u, d[0], 1);
      product(d, x);
    }
    for (int i = 0; i < 4; ++i) c[t * 128 + threadIdx.x * 4 + i] = d[i];
  }
}
