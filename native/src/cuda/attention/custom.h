// Attention with a score policy (score.h) of one's own, whose kernels the including translation unit compiles:
//
//   attention_with_score<tile::BFloat16>(params, MyScore{...}, launch);
//
// The policy returns the finished score: scale, softcap and slopes of the call are for it to read, the kernel looks at
// none of them. samples/cuda/custom_score.cu is an example.
#pragma once

#include "cuda/attention/instance.h"

namespace wl::cuda {

// `p` is one that wl_attention accepts, of the element type.
template <class Element, class Score>
void attention_with_score(const wl_attention_params& p, const Score& score, const Launch& at) {
  static_assert(!Score::kPlain);
  const int64_t batch = p.q.rank == 3 ? p.cu_seqlens_q.shape[0] - 1 : p.q.shape[0];
  AttentionPlan plan = plan_attention(p, batch);
  plan.params.multiplier = kLog2E;
  static constexpr AttentionInstances<Score> kInstances = attention_instances<Element, Score>();
  if (plan.blocks != 0) kInstances.launch[plan.bucket](plan, score, at);
}

}  // namespace wl::cuda
