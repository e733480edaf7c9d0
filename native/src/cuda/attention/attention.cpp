#include "cuda/attention/attention.h"

#include "cuda/attention/instance.h"
#include "cuda/attention/plan.h"

namespace wl::cuda {
namespace {

struct TypeInstances {
  const AttentionInstances<PlainScore>& plain;
  const AttentionInstances<PlainInvariantScore>& invariant;
  const AttentionInstances<ModifiedScore>& modified;
};

TypeInstances instances(int32_t dtype) {
  switch (dtype) {
    case WL_DTYPE_BFLOAT16:
      return {kAttentionPlainBFloat16, kAttentionInvariantBFloat16, kAttentionModifiedBFloat16};
    case WL_DTYPE_FLOAT16:
      return {kAttentionPlainFloat16, kAttentionInvariantFloat16, kAttentionModifiedFloat16};
    default:
      return {kAttentionPlainFloat32, kAttentionInvariantFloat32, kAttentionModifiedFloat32};
  }
}

}  // namespace

void attention(const wl_attention_params& p, const Launch& at, int64_t batch) {
  const AttentionPlan plan = plan_attention(p, batch);
  if (plan.blocks == 0) return;
  const TypeInstances of = instances(plan.dtype);
  const auto invariant = of.invariant.launch[plan.bucket];
  if (plan.modified) {
    of.modified.launch[plan.bucket](plan, plan.score, at);
  } else if (at.batch_invariant && invariant != nullptr) {
    invariant(plan, {}, at);
  } else {
    of.plain.launch[plan.bucket](plan, {}, at);
  }
}

uint64_t attention_workspace(const wl_attention_params& p, const Launch&, int64_t batch) {
  plan_attention(p, batch);
  return 0;
}

}  // namespace wl::cuda
