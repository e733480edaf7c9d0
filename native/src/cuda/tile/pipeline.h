// A ring of shared-memory stages that are filled ahead of use. Every thread of the block copies and every thread uses:
// cp.async counts a thread's groups, a barrier makes all threads' copies visible.
//
//   copies:   acquire, copy..., commit                    kStages = 3
//   use:      wait, read..., release                      stage:  0    1    2    0    1
//                                                         copied: |-0--|-1--|-2--|-3--|
//   start:    kStages - 1 times (acquire, commit)         used:             |-0--|-1--|-2--|
//   each step: wait, acquire + copy + commit, read, release
//
// wait ends when the oldest stage has come and all threads have released the one before it: so what acquire returns next
// is free. A step without a copy commits all the same, since waiting counts groups. TMA and mbarrier can take this
// object's place: acquire then waits for a barrier, commit announces bytes.
#pragma once

#include "cuda/ptx/async.h"
#include "cuda/ptx/sync.h"

namespace wl::cuda::tile {

template <int kStageCount>
class CopyPipeline {
  static_assert(kStageCount >= 2);

 public:
  static constexpr int kStages = kStageCount;
  static constexpr int kAhead = kStages - 1;  // steps that are copied before the first wait

  // The stage to copy into.
  WL_DEVICE int acquire() const { return write_; }
  // Closes the copies into it.
  WL_DEVICE void commit(Site s = Site::here()) {
    ptx::cp_async_commit_group(s);
    write_ = next(write_);
  }
  // Waits for the oldest stage that is not released, and returns it.
  WL_DEVICE int wait(Site s = Site::here()) const {
    ptx::cp_async_wait_group<kStages - 2>(s);
    ptx::bar_sync(s);
    return read_;
  }
  // The calling thread has read the stage that wait returned.
  WL_DEVICE void release() { read_ = next(read_); }

 private:
  static WL_DEVICE int next(int stage) { return stage + 1 == kStages ? 0 : stage + 1; }
  int write_ = 0, read_ = 0;
};

}  // namespace wl::cuda::tile
