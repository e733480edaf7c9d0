// Global memory: ld.global, st.global, atomics and fences.
#pragma once

#include "cuda/ptx/config.h"
#include "cuda/ptx/convert.h"

namespace wl::cuda {

// An address in global memory, counted in elements of T; it cannot be dereferenced. T const: for loads only.
template <class T>
struct Global {
  T* address;
  WL_HOST_DEVICE Global operator+(int64_t elements) const { return {address + elements}; }
  WL_HOST_DEVICE explicit operator bool() const { return address != nullptr; }
};

namespace ptx {

#if defined(__CUDACC__)
#define WL_LOAD(name, type, ...)                          \
  template <class T>                                      \
  WL_DEVICE type name(Global<T> a, Site = Site::here()) { \
    static_assert(sizeof(T) <= sizeof(type));             \
    __VA_ARGS__                                           \
  }
// Weak loads, which the compiler may move; for memory that this grid may write.
WL_LOAD(ld_global_b16, uint16_t, return *reinterpret_cast<const uint16_t*>(a.address);)
WL_LOAD(ld_global_b32, uint32_t, return *reinterpret_cast<const uint32_t*>(a.address);)
WL_LOAD(ld_global_v2_b32, U2, return *reinterpret_cast<const U2*>(a.address);)
WL_LOAD(ld_global_v4_b32, U4, return *reinterpret_cast<const U4*>(a.address);)
// Through the read-only path; for memory that no one writes while the grid runs.
WL_LOAD(ld_global_nc_b16, uint16_t, uint16_t d; asm("ld.global.nc.b16 %0, [%1];"
                                                    : "=h"(d)
                                                    : "l"(a.address));
        return d;)
WL_LOAD(ld_global_nc_b32, uint32_t, uint32_t d; asm("ld.global.nc.b32 %0, [%1];"
                                                    : "=r"(d)
                                                    : "l"(a.address));
        return d;)
WL_LOAD(ld_global_nc_v2_b32, U2, U2 d; asm("ld.global.nc.v2.b32 {%0, %1}, [%2];"
                                           : "=r"(d.x), "=r"(d.y)
                                           : "l"(a.address));
        return d;)
WL_LOAD(ld_global_nc_v4_b32, U4, U4 d; asm("ld.global.nc.v4.b32 {%0, %1, %2, %3}, [%4];"
                                           : "=r"(d.x), "=r"(d.y), "=r"(d.z), "=r"(d.w)
                                           : "l"(a.address));
        return d;)
// As above for memory that is read once.
WL_LOAD(ld_global_nc_l1_no_allocate_v4_b32, U4, U4 d;
        asm("ld.global.nc.L1::no_allocate.L2::128B.v4.b32 {%0, %1, %2, %3}, [%4];"
            : "=r"(d.x), "=r"(d.y), "=r"(d.z), "=r"(d.w)
            : "l"(a.address));
        return d;)
WL_LOAD(ld_relaxed_gpu_global_b32, uint32_t, uint32_t d; asm volatile("ld.relaxed.gpu.global.b32 %0, [%1];"
                                                                      : "=r"(d)
                                                                      : "l"(a.address)
                                                                      : "memory");
        return d;)
WL_LOAD(ld_acquire_gpu_global_b32, uint32_t, uint32_t d; asm volatile("ld.acquire.gpu.global.b32 %0, [%1];"
                                                                      : "=r"(d)
                                                                      : "l"(a.address)
                                                                      : "memory");
        return d;)
WL_LOAD(ld_relaxed_gpu_global_v4_b32, U4, U4 d;
        asm volatile("ld.relaxed.gpu.global.v4.b32 {%0, %1, %2, %3}, [%4];"
                     : "=r"(d.x), "=r"(d.y), "=r"(d.z), "=r"(d.w)
                     : "l"(a.address)
                     : "memory");
        return d;)
#undef WL_LOAD

template <class T>
WL_DEVICE void st_global_b16(Global<T> a, uint16_t x, Site = Site::here()) {
  *reinterpret_cast<uint16_t*>(a.address) = x;
}
template <class T>
WL_DEVICE void st_global_b32(Global<T> a, uint32_t x, Site = Site::here()) {
  *reinterpret_cast<uint32_t*>(a.address) = x;
}
// By asm: the compiler cuts the assignment of a struct into words.
template <class T>
WL_DEVICE void st_global_v2_b32(Global<T> a, U2 x, Site = Site::here()) {
  asm volatile("st.global.v2.b32 [%0], {%1, %2};" ::"l"(a.address), "r"(x.x), "r"(x.y) : "memory");
}
template <class T>
WL_DEVICE void st_global_v4_b32(Global<T> a, U4 x, Site = Site::here()) {
  asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(a.address), "r"(x.x), "r"(x.y), "r"(x.z),
               "r"(x.w)
               : "memory");
}
WL_DEVICE void st_release_gpu_global_b32(Global<uint32_t> a, uint32_t x, Site = Site::here()) {
  asm volatile("st.release.gpu.global.b32 [%0], %1;" ::"l"(a.address), "r"(x) : "memory");
}
// Return the old value.
WL_DEVICE uint32_t atom_acq_rel_gpu_global_add_u32(Global<uint32_t> a, uint32_t x, Site = Site::here()) {
  uint32_t d;
  asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], %2;" : "=r"(d) : "l"(a.address), "r"(x) : "memory");
  return d;
}
WL_DEVICE uint32_t atom_relaxed_gpu_global_add_u32(Global<uint32_t> a, uint32_t x, Site = Site::here()) {
  uint32_t d;
  asm volatile("atom.relaxed.gpu.global.add.u32 %0, [%1], %2;" : "=r"(d) : "l"(a.address), "r"(x) : "memory");
  return d;
}
// The order of the threads decides how sums are rounded; subnormal numbers count as zero.
WL_DEVICE float atom_relaxed_gpu_global_add_f32(Global<float> a, float x, Site = Site::here()) {
  float d;
  asm volatile("atom.relaxed.gpu.global.add.f32 %0, [%1], %2;" : "=f"(d) : "l"(a.address), "f"(x) : "memory");
  return d;
}
WL_DEVICE uint32_t atom_relaxed_gpu_global_max_u32(Global<uint32_t> a, uint32_t x, Site = Site::here()) {
  uint32_t d;
  asm volatile("atom.relaxed.gpu.global.max.u32 %0, [%1], %2;" : "=r"(d) : "l"(a.address), "r"(x) : "memory");
  return d;
}
WL_DEVICE uint32_t atom_acq_rel_gpu_global_exch_b32(Global<uint32_t> a, uint32_t x, Site = Site::here()) {
  uint32_t d;
  asm volatile("atom.acq_rel.gpu.global.exch.b32 %0, [%1], %2;"
               : "=r"(d)
               : "l"(a.address), "r"(x)
               : "memory");
  return d;
}
// x where the word is `compare`.
WL_DEVICE uint32_t atom_acq_rel_gpu_global_cas_b32(Global<uint32_t> a, uint32_t compare, uint32_t x,
                                                   Site = Site::here()) {
  uint32_t d;
  asm volatile("atom.acq_rel.gpu.global.cas.b32 %0, [%1], %2, %3;"
               : "=r"(d)
               : "l"(a.address), "r"(compare), "r"(x)
               : "memory");
  return d;
}
WL_DEVICE void fence_acq_rel_gpu(Site = Site::here()) { asm volatile("fence.acq_rel.gpu;" ::: "memory"); }
#else
template <class T>
WL_DEVICE uint16_t ld_global_b16(Global<T> a, Site s = Site::here()) {
  return emu::load_global<uint16_t>(a.address, s);
}
template <class T>
WL_DEVICE uint32_t ld_global_b32(Global<T> a, Site s = Site::here()) {
  return emu::load_global<uint32_t>(a.address, s);
}
template <class T>
WL_DEVICE U2 ld_global_v2_b32(Global<T> a, Site s = Site::here()) {
  return emu::load_global<U2>(a.address, s);
}
template <class T>
WL_DEVICE U4 ld_global_v4_b32(Global<T> a, Site s = Site::here()) {
  return emu::load_global<U4>(a.address, s);
}
// The read-only path is a weak load here; that nobody writes the memory is what the race check shows.
template <class T>
WL_DEVICE uint16_t ld_global_nc_b16(Global<T> a, Site s = Site::here()) {
  return ld_global_b16(a, s);
}
template <class T>
WL_DEVICE uint32_t ld_global_nc_b32(Global<T> a, Site s = Site::here()) {
  return ld_global_b32(a, s);
}
template <class T>
WL_DEVICE U2 ld_global_nc_v2_b32(Global<T> a, Site s = Site::here()) {
  return ld_global_v2_b32(a, s);
}
template <class T>
WL_DEVICE U4 ld_global_nc_v4_b32(Global<T> a, Site s = Site::here()) {
  return ld_global_v4_b32(a, s);
}
template <class T>
WL_DEVICE U4 ld_global_nc_l1_no_allocate_v4_b32(Global<T> a, Site s = Site::here()) {
  return ld_global_v4_b32(a, s);
}
template <class T>
WL_DEVICE uint32_t ld_relaxed_gpu_global_b32(Global<T> a, Site s = Site::here()) {
  return static_cast<uint32_t>(emu::load_ordered(a.address, 4, emu::Order::kRelaxed, emu::Scope::kDevice, s));
}
template <class T>
WL_DEVICE uint32_t ld_acquire_gpu_global_b32(Global<T> a, Site s = Site::here()) {
  return static_cast<uint32_t>(emu::load_ordered(a.address, 4, emu::Order::kAcquire, emu::Scope::kDevice, s));
}
template <class T>
WL_DEVICE U4 ld_relaxed_gpu_global_v4_b32(Global<T> a, Site s = Site::here()) {
  const auto word = [&](int i) {
    return static_cast<uint32_t>(emu::load_ordered(reinterpret_cast<const uint32_t*>(a.address) + i, 4,
                                                   emu::Order::kRelaxed, emu::Scope::kDevice, s));
  };
  return {word(0), word(1), word(2), word(3)};
}
template <class T>
WL_DEVICE void st_global_b16(Global<T> a, uint16_t x, Site s = Site::here()) {
  emu::store_global(a.address, x, s);
}
template <class T>
WL_DEVICE void st_global_b32(Global<T> a, uint32_t x, Site s = Site::here()) {
  emu::store_global(a.address, x, s);
}
template <class T>
WL_DEVICE void st_global_v2_b32(Global<T> a, U2 x, Site s = Site::here()) {
  emu::store_global(a.address, x, s);
}
template <class T>
WL_DEVICE void st_global_v4_b32(Global<T> a, U4 x, Site s = Site::here()) {
  emu::store_global(a.address, x, s);
}
WL_DEVICE void st_release_gpu_global_b32(Global<uint32_t> a, uint32_t x, Site s = Site::here()) {
  emu::store_ordered(a.address, x, 4, emu::Order::kRelease, emu::Scope::kDevice, s);
}
WL_DEVICE uint32_t atom_acq_rel_gpu_global_add_u32(Global<uint32_t> a, uint32_t x, Site s = Site::here()) {
  return emu::atomic_global(emu::AtomicOp::kAddU32, a.address, x, 0, emu::Order::kAcquireRelease,
                            emu::Scope::kDevice, s);
}
WL_DEVICE uint32_t atom_relaxed_gpu_global_add_u32(Global<uint32_t> a, uint32_t x, Site s = Site::here()) {
  return emu::atomic_global(emu::AtomicOp::kAddU32, a.address, x, 0, emu::Order::kRelaxed,
                            emu::Scope::kDevice, s);
}
WL_DEVICE float atom_relaxed_gpu_global_add_f32(Global<float> a, float x, Site s = Site::here()) {
  return mov_f32_b32(emu::atomic_global(emu::AtomicOp::kAddF32, a.address, mov_b32_f32(x), 0,
                                        emu::Order::kRelaxed, emu::Scope::kDevice, s));
}
WL_DEVICE uint32_t atom_relaxed_gpu_global_max_u32(Global<uint32_t> a, uint32_t x, Site s = Site::here()) {
  return emu::atomic_global(emu::AtomicOp::kMaxU32, a.address, x, 0, emu::Order::kRelaxed,
                            emu::Scope::kDevice, s);
}
WL_DEVICE uint32_t atom_acq_rel_gpu_global_exch_b32(Global<uint32_t> a, uint32_t x, Site s = Site::here()) {
  return emu::atomic_global(emu::AtomicOp::kExchangeU32, a.address, x, 0, emu::Order::kAcquireRelease,
                            emu::Scope::kDevice, s);
}
WL_DEVICE uint32_t atom_acq_rel_gpu_global_cas_b32(Global<uint32_t> a, uint32_t compare, uint32_t x,
                                                   Site s = Site::here()) {
  return emu::atomic_global(emu::AtomicOp::kCompareExchangeU32, a.address, x, compare,
                            emu::Order::kAcquireRelease, emu::Scope::kDevice, s);
}
WL_DEVICE void fence_acq_rel_gpu(Site s = Site::here()) {
  emu::fence(emu::Order::kAcquireRelease, emu::Scope::kDevice, s);
}
#endif

}  // namespace ptx
}  // namespace wl::cuda
