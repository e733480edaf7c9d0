// cp.async (copies from global to shared memory behind the thread's back) and programmatic dependent launch.
#pragma once

#include "cuda/ptx/global.h"
#include "cuda/ptx/shared.h"

namespace wl::cuda::ptx {

#if defined(__CUDACC__)
// 16 bytes past the first level cache; zeros instead where `valid` is false (nothing is read then).
template <class T>
WL_DEVICE void cp_async_cg_16(SharedAddress d, Global<T> a, bool valid, Site = Site::here()) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(d), "l"(a.address), "r"(valid ? 16 : 0)
               : "memory");
}
// 4 bytes through the first level cache.
template <class T>
WL_DEVICE void cp_async_ca_4(SharedAddress d, Global<T> a, bool valid, Site = Site::here()) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(d), "l"(a.address), "r"(valid ? 4 : 0)
               : "memory");
}
WL_DEVICE void cp_async_commit_group(Site = Site::here()) {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
// Until at most kPending of the thread's committed groups are under way.
template <int kPending>
WL_DEVICE void cp_async_wait_group(Site = Site::here()) {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}
WL_DEVICE void griddepcontrol_wait(Site = Site::here()) {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
WL_DEVICE void griddepcontrol_launch_dependents(Site = Site::here()) {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}
#else
template <class T>
WL_DEVICE void cp_async_cg_16(SharedAddress d, Global<T> a, bool valid, Site s = Site::here()) {
  emu::cp_async(d, a.address, 16, valid ? 16 : 0, s);
}
template <class T>
WL_DEVICE void cp_async_ca_4(SharedAddress d, Global<T> a, bool valid, Site s = Site::here()) {
  emu::cp_async(d, a.address, 4, valid ? 4 : 0, s);
}
WL_DEVICE void cp_async_commit_group(Site s = Site::here()) { emu::cp_async_commit_group(s); }
template <int kPending>
WL_DEVICE void cp_async_wait_group(Site s = Site::here()) {
  emu::cp_async_wait_group(kPending, s);
}
WL_DEVICE void griddepcontrol_wait(Site s = Site::here()) { emu::griddepcontrol_wait(s); }
WL_DEVICE void griddepcontrol_launch_dependents(Site s = Site::here()) {
  emu::griddepcontrol_launch_dependents(s);
}
#endif

}  // namespace wl::cuda::ptx
