// A pipeline of copies and products: two stages of cp.async, ldmatrix, mma.sync, in a loop that is not unrolled.
#include <cstdint>
extern __shared__ unsigned char memory[];
__device__ void copy(uint32_t to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
}
__global__ void __launch_bounds__(32) pipeline(const uint4* a, float* c, int steps) {
  uint32_t base = __cvta_generic_to_shared(memory) + threadIdx.x * 16;
  float d[4] = {};
  copy(base, a + threadIdx.x);
  asm volatile("cp.async.commit_group;" ::: "memory");
#pragma unroll 1
  for (int s = 0; s < steps; ++s) {
    copy(base + ((s + 1) & 1) * 512, a + (s + 1) * 32 + threadIdx.x);
    asm volatile("cp.async.commit_group;" ::: "memory");
    asm volatile("cp.async.wait_group 1;" ::: "memory");
    __syncthreads();
    uint32_t x[4];
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(base + (s & 1) * 512)
                 : "memory");
    for (int n = 0; n < 2; ++n)
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%4, %6}, "
          "{%0, %1, %2, %3};"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
          : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]));
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i) c[threadIdx.x * 4 + i] = exp2f(d[i]);
}
