// Reductions and prefix sums over a team: the threads that share a row. A team is 2^k lanes of a warp (up to 32), or the whole block.
//
//   butterfly over the team's lanes; for a block: one word a warp to shared memory, a barrier, and every warp reduces
//   the words again, so that all threads hold the result.
//
// The order is fixed by the number of threads, and both sides of a butterfly step add the same two numbers: every thread
// gets the same bits. Two areas of shared memory take turns, so that one barrier a reduction is enough: who writes an
// area again has passed the barrier of the reduction between.
#pragma once

#include "cuda/ptx/shared.h"
#include "cuda/ptx/special.h"
#include "cuda/ptx/sync.h"

namespace wl::cuda {

// Two sums that are made together.
struct FloatPair {
  float a, b;
};

struct SumOf {
  WL_DEVICE float operator()(float x, float y) const { return x + y; }
  WL_DEVICE FloatPair operator()(FloatPair x, FloatPair y) const { return {x.a + y.a, x.b + y.b}; }
  WL_DEVICE uint64_t operator()(uint64_t x, uint64_t y) const { return x + y; }
};
struct LargestOf {
  WL_DEVICE uint64_t operator()(uint64_t x, uint64_t y) const { return x > y ? x : y; }
  // NaN loses.
  WL_DEVICE float operator()(float x, float y) const { return ptx::max_f32(x, y); }
};

WL_DEVICE U2 words_of(float x) { return {ptx::mov_b32_f32(x), 0}; }
WL_DEVICE U2 words_of(FloatPair x) { return {ptx::mov_b32_f32(x.a), ptx::mov_b32_f32(x.b)}; }
WL_DEVICE U2 words_of(uint64_t x) { return {static_cast<uint32_t>(x), static_cast<uint32_t>(x >> 32)}; }
WL_DEVICE void from_words(U2 w, float& x) { x = ptx::mov_f32_b32(w.x); }
WL_DEVICE void from_words(U2 w, FloatPair& x) { x = {ptx::mov_f32_b32(w.x), ptx::mov_f32_b32(w.y)}; }
WL_DEVICE void from_words(U2 w, uint64_t& x) { x = static_cast<uint64_t>(w.y) << 32 | w.x; }

constexpr uint32_t kReduceBytes = 2 * 32 * sizeof(U2);  // shared memory of a team that is a block

class Team {
 public:
  // `threads`: 1, 2, 4, ... 32, or all `block_threads`, a power of two. kReduceBytes at `shared`.
  WL_DEVICE Team(uint32_t threads, SharedAddress shared) : threads_(threads), area_(shared) {}

  WL_DEVICE uint32_t threads() const { return threads_; }
  WL_DEVICE uint32_t rank() const { return ptx::tid_x() & (threads_ - 1); }
  // Of the team in its block.
  WL_DEVICE uint32_t index() const { return ptx::tid_x() / threads_; }

  // All threads of the block take part.
  template <class T, class Op>
  WL_DEVICE T reduce(T x, Op op, Site s = Site::here()) {
    x = over_lanes(x, threads_ < 32 ? threads_ : 32, op, s);
    if (threads_ <= 32) return x;
    const uint32_t warps = threads_ / 32, lane = ptx::laneid();
    if (lane == 0) ptx::st_shared_v2_b32(area_ + ptx::tid_x() / 32 * 8, words_of(x), s);
    ptx::bar_sync(s);
    from_words(ptx::ld_shared_v2_b32(area_ + (lane & (warps - 1)) * 8, s), x);
    area_ ^= kReduceBytes / 2;
    return over_lanes(x, warps, op, s);
  }

  // The sum over the threads before the calling one, and over all. For a team that is the block.
  WL_DEVICE uint64_t sum_before(uint64_t x, uint64_t* total, Site s = Site::here()) {
    const uint32_t lane = ptx::laneid(), warp = ptx::tid_x() / 32;
    uint64_t sum = x;  // up to and with this lane
    for (uint32_t step = 1; step < 32; step *= 2) {
      const U2 own = words_of(sum);
      const U2 other{ptx::shfl_sync_up_b32(own.x, step, s), ptx::shfl_sync_up_b32(own.y, step, s)};
      uint64_t y;
      from_words(other, y);
      if (lane >= step) sum += y;
    }
    if (lane == 31) ptx::st_shared_v2_b32(area_ + warp * 8, words_of(sum), s);
    ptx::bar_sync(s);
    uint64_t before = sum - x;
    *total = 0;
    for (uint32_t w = 0; w < threads_ / 32; ++w) {
      uint64_t of_warp;
      from_words(ptx::ld_shared_v2_b32(area_ + w * 8, s), of_warp);
      if (w < warp) before += of_warp;
      *total += of_warp;
    }
    area_ ^= kReduceBytes / 2;
    return before;
  }

 private:
  template <class T, class Op>
  static WL_DEVICE T over_lanes(T x, uint32_t lanes, Op op, Site s) {
    for (uint32_t step = lanes / 2; step > 0; step /= 2) {
      const U2 own = words_of(x);
      U2 other{ptx::shfl_sync_bfly_b32(own.x, step, s), 0};
      if constexpr (sizeof(T) == 8) other.y = ptx::shfl_sync_bfly_b32(own.y, step, s);
      T y;
      from_words(other, y);
      x = op(x, y);
    }
    return x;
  }

  uint32_t threads_;
  SharedAddress area_;  // aligned to kReduceBytes, so that the turn is one bit
};

}  // namespace wl::cuda
