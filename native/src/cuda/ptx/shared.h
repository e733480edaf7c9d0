// Shared memory: ld.shared, st.shared and atomics, by 32-bit address. All of it is dynamic; its size is the launch's.
#pragma once

#include "cuda/ptx/config.h"

namespace wl::cuda {

using SharedAddress = uint32_t;  // in bytes

namespace ptx {

#if defined(__CUDACC__)
WL_DEVICE SharedAddress shared_base() {
  extern __shared__ __align__(1024) unsigned char wl_shared_memory[];
  return static_cast<SharedAddress>(__cvta_generic_to_shared(wl_shared_memory));
}
WL_DEVICE uint32_t ld_shared_b32(SharedAddress a, Site = Site::here()) {
  uint32_t d;
  asm volatile("ld.shared.b32 %0, [%1];" : "=r"(d) : "r"(a) : "memory");
  return d;
}
WL_DEVICE uint16_t ld_shared_b16(SharedAddress a, Site = Site::here()) {
  uint16_t d;
  asm volatile("ld.shared.b16 %0, [%1];" : "=h"(d) : "r"(a) : "memory");
  return d;
}
WL_DEVICE U2 ld_shared_v2_b32(SharedAddress a, Site = Site::here()) {
  U2 d;
  asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];" : "=r"(d.x), "=r"(d.y) : "r"(a) : "memory");
  return d;
}
WL_DEVICE U4 ld_shared_v4_b32(SharedAddress a, Site = Site::here()) {
  U4 d;
  asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];"
               : "=r"(d.x), "=r"(d.y), "=r"(d.z), "=r"(d.w)
               : "r"(a)
               : "memory");
  return d;
}
WL_DEVICE void st_shared_b32(SharedAddress a, uint32_t x, Site = Site::here()) {
  asm volatile("st.shared.b32 [%0], %1;" ::"r"(a), "r"(x) : "memory");
}
WL_DEVICE void st_shared_b16(SharedAddress a, uint16_t x, Site = Site::here()) {
  asm volatile("st.shared.b16 [%0], %1;" ::"r"(a), "h"(x) : "memory");
}
WL_DEVICE void st_shared_v2_b32(SharedAddress a, U2 x, Site = Site::here()) {
  asm volatile("st.shared.v2.b32 [%0], {%1, %2};" ::"r"(a), "r"(x.x), "r"(x.y) : "memory");
}
WL_DEVICE void st_shared_v4_b32(SharedAddress a, U4 x, Site = Site::here()) {
  asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(a), "r"(x.x), "r"(x.y), "r"(x.z), "r"(x.w)
               : "memory");
}
// Returns the old value.
WL_DEVICE uint32_t atom_shared_add_u32(SharedAddress a, uint32_t x, Site = Site::here()) {
  uint32_t d;
  asm volatile("atom.shared.add.u32 %0, [%1], %2;" : "=r"(d) : "r"(a), "r"(x) : "memory");
  return d;
}
#else
WL_DEVICE SharedAddress shared_base() { return 0; }
WL_DEVICE uint32_t ld_shared_b32(SharedAddress a, Site s = Site::here()) {
  return emu::load_shared<uint32_t>(a, s);
}
WL_DEVICE uint16_t ld_shared_b16(SharedAddress a, Site s = Site::here()) {
  return emu::load_shared<uint16_t>(a, s);
}
WL_DEVICE U2 ld_shared_v2_b32(SharedAddress a, Site s = Site::here()) { return emu::load_shared<U2>(a, s); }
WL_DEVICE U4 ld_shared_v4_b32(SharedAddress a, Site s = Site::here()) { return emu::load_shared<U4>(a, s); }
WL_DEVICE void st_shared_b32(SharedAddress a, uint32_t x, Site s = Site::here()) {
  emu::store_shared(a, x, s);
}
WL_DEVICE void st_shared_b16(SharedAddress a, uint16_t x, Site s = Site::here()) {
  emu::store_shared(a, x, s);
}
WL_DEVICE void st_shared_v2_b32(SharedAddress a, U2 x, Site s = Site::here()) { emu::store_shared(a, x, s); }
WL_DEVICE void st_shared_v4_b32(SharedAddress a, U4 x, Site s = Site::here()) { emu::store_shared(a, x, s); }
WL_DEVICE uint32_t atom_shared_add_u32(SharedAddress a, uint32_t x, Site s = Site::here()) {
  return emu::atomic_shared(emu::AtomicOp::kAddU32, a, x, 0, s);
}
#endif

}  // namespace ptx
}  // namespace wl::cuda
