// mbarrier (sm_90): barriers in shared memory that count arrivals and the bytes of bulk copies. A barrier is eight bytes,
// aligned; its phases alternate in parity, the first is 0. A wait for the parity of the phase before the first returns
// at once.
#pragma once

#include "cuda/ptx/shared.h"

namespace wl::cuda::ptx {

#if defined(__CUDACC__)
// By one thread, then fence_mbarrier_init and a barrier of the block.
WL_DEVICE void mbarrier_init(SharedAddress a, uint32_t count, Site = Site::here()) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(a), "r"(count) : "memory");
}
WL_DEVICE void fence_mbarrier_init(Site = Site::here()) {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
WL_DEVICE void mbarrier_arrive(SharedAddress a, Site = Site::here()) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(a) : "memory");
}
// Arrives, and has the phase wait for `bytes` more.
WL_DEVICE void mbarrier_arrive_expect_tx(SharedAddress a, uint32_t bytes, Site = Site::here()) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(a), "r"(bytes) : "memory");
}
// Until the phase of that parity is over.
WL_DEVICE void mbarrier_wait_parity(SharedAddress a, uint32_t parity, Site = Site::here()) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "retry_%=:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@!done bra retry_%=;\n"
      "}" ::"r"(a),
      "r"(parity)
      : "memory");
}
// What this thread stored to shared memory becomes visible to bulk copies and wgmma.
WL_DEVICE void fence_proxy_async(Site = Site::here()) {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
#else
WL_DEVICE void mbarrier_init(SharedAddress a, uint32_t count, Site s = Site::here()) {
  emu::mbarrier_init(a, count, s);
}
// The emulator's bulk copies see an initialised barrier at once.
WL_DEVICE void fence_mbarrier_init(Site = Site::here()) {}
WL_DEVICE void mbarrier_arrive(SharedAddress a, Site s = Site::here()) { emu::mbarrier_arrive(a, s); }
WL_DEVICE void mbarrier_arrive_expect_tx(SharedAddress a, uint32_t bytes, Site s = Site::here()) {
  emu::mbarrier_arrive_expect_tx(a, bytes, s);
}
WL_DEVICE void mbarrier_wait_parity(SharedAddress a, uint32_t parity, Site s = Site::here()) {
  emu::mbarrier_wait_parity(a, parity, s);
}
WL_DEVICE void fence_proxy_async(Site s = Site::here()) { emu::fence_proxy_async(s); }
#endif

}  // namespace wl::cuda::ptx
