// Barriers, shuffles and votes.
#pragma once

#include "cuda/ptx/config.h"
#include "cuda/ptx/convert.h"

namespace wl::cuda::ptx {

constexpr uint32_t kAllLanes = 0xffffffffu;

#if defined(__CUDACC__)
// All threads of the block.
WL_DEVICE void bar_sync(Site = Site::here()) { __syncthreads(); }
// Barrier `id` (1 to 15) of the first-come `threads` threads, whole warps.
WL_DEVICE void bar_sync_named(uint32_t id, uint32_t threads, Site = Site::here()) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
WL_DEVICE void bar_arrive_named(uint32_t id, uint32_t threads, Site = Site::here()) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
WL_DEVICE void bar_warp_sync(uint32_t mask = kAllLanes, Site = Site::here()) { __syncwarp(mask); }
WL_DEVICE uint32_t shfl_sync_idx_b32(uint32_t x, uint32_t lane, Site = Site::here()) {
  return __shfl_sync(kAllLanes, x, static_cast<int>(lane));
}
WL_DEVICE uint32_t shfl_sync_bfly_b32(uint32_t x, uint32_t lane_mask, Site = Site::here()) {
  return __shfl_xor_sync(kAllLanes, x, static_cast<int>(lane_mask));
}
// From the lane `delta` below; lanes below delta keep their own value.
WL_DEVICE uint32_t shfl_sync_up_b32(uint32_t x, uint32_t delta, Site = Site::here()) {
  return __shfl_up_sync(kAllLanes, x, delta);
}
// From the lane `delta` above; lanes above 31 - delta keep their own value.
WL_DEVICE uint32_t shfl_sync_down_b32(uint32_t x, uint32_t delta, Site = Site::here()) {
  return __shfl_down_sync(kAllLanes, x, delta);
}
WL_DEVICE uint32_t vote_sync_ballot_b32(bool predicate, Site = Site::here()) {
  return __ballot_sync(kAllLanes, predicate);
}
WL_DEVICE bool vote_sync_any(bool predicate, Site = Site::here()) {
  return __any_sync(kAllLanes, predicate) != 0;
}
WL_DEVICE bool vote_sync_all(bool predicate, Site = Site::here()) {
  return __all_sync(kAllLanes, predicate) != 0;
}
#else
WL_DEVICE void bar_sync(Site s = Site::here()) { emu::bar_sync(0, 0, s); }
WL_DEVICE void bar_sync_named(uint32_t id, uint32_t threads, Site s = Site::here()) {
  emu::bar_sync(id, threads, s);
}
WL_DEVICE void bar_arrive_named(uint32_t id, uint32_t threads, Site s = Site::here()) {
  emu::bar_arrive(id, threads, s);
}
WL_DEVICE void bar_warp_sync(uint32_t mask = kAllLanes, Site s = Site::here()) {
  emu::bar_warp_sync(mask, s);
}
WL_DEVICE uint32_t shfl_sync_idx_b32(uint32_t x, uint32_t lane, Site s = Site::here()) {
  return emu::shfl_sync(emu::Shuffle::kIndex, kAllLanes, x, lane, 31, s);
}
WL_DEVICE uint32_t shfl_sync_bfly_b32(uint32_t x, uint32_t lane_mask, Site s = Site::here()) {
  return emu::shfl_sync(emu::Shuffle::kButterfly, kAllLanes, x, lane_mask, 31, s);
}
WL_DEVICE uint32_t shfl_sync_up_b32(uint32_t x, uint32_t delta, Site s = Site::here()) {
  return emu::shfl_sync(emu::Shuffle::kUp, kAllLanes, x, delta, 0, s);
}
WL_DEVICE uint32_t shfl_sync_down_b32(uint32_t x, uint32_t delta, Site s = Site::here()) {
  return emu::shfl_sync(emu::Shuffle::kDown, kAllLanes, x, delta, 31, s);
}
WL_DEVICE uint32_t vote_sync_ballot_b32(bool predicate, Site s = Site::here()) {
  return emu::vote_sync(emu::Vote::kBallot, kAllLanes, predicate, s);
}
WL_DEVICE bool vote_sync_any(bool predicate, Site s = Site::here()) {
  return emu::vote_sync(emu::Vote::kAny, kAllLanes, predicate, s) != 0;
}
WL_DEVICE bool vote_sync_all(bool predicate, Site s = Site::here()) {
  return emu::vote_sync(emu::Vote::kAll, kAllLanes, predicate, s) != 0;
}
#endif

WL_DEVICE float shfl_sync_bfly_f32(float x, uint32_t lane_mask, Site s = Site::here()) {
  return mov_f32_b32(shfl_sync_bfly_b32(mov_b32_f32(x), lane_mask, s));
}

}  // namespace wl::cuda::ptx
