// Which kernel serves an attention call, and with which parameters: a pure function of the call, so that tests can ask
// anywhere.
#pragma once

#include <warpline/attention.h>

#include <cstdint>

#include "cuda/attention/params.h"
#include "cuda/attention/score.h"

namespace wl::cuda {

struct AttentionPlan {
  int32_t dtype;    // of q, k and v
  int bucket;       // row of the tuning table
  bool modified;    // the kernel that modifies scores and copies rows of any alignment; else the plain one
  uint32_t blocks;  // 0: nothing to do
  AttentionParams params;
  ModifiedScore score;
};

// `p` is checked but for the contents of its index arrays, which may lie on a device. Fails with UNSUPPORTED.
AttentionPlan plan_attention(const wl_attention_params& p, int64_t batch);

}  // namespace wl::cuda
