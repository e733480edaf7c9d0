#include "cuda/attention/attention.h"

#include "cuda/attention/instance.h"
#include "cuda/attention/plan.h"

namespace wl::cuda {
namespace {

const AttentionInstances& instances(const AttentionPlan& plan) {
  switch (plan.dtype) {
    case WL_DTYPE_BFLOAT16:
      return plan.modified ? kAttentionModifiedBFloat16 : kAttentionPlainBFloat16;
    case WL_DTYPE_FLOAT16:
      return plan.modified ? kAttentionModifiedFloat16 : kAttentionPlainFloat16;
    default:
      return plan.modified ? kAttentionModifiedFloat32 : kAttentionPlainFloat32;
  }
}

}  // namespace

void attention(const wl_attention_params& p, const Launch& at, int64_t batch) {
  const AttentionPlan plan = plan_attention(p, batch);
  if (plan.blocks != 0) instances(plan).launch[plan.bucket](plan, at);
}

uint64_t attention_workspace(const wl_attention_params& p, const Launch&, int64_t batch) {
  plan_attention(p, batch);
  return 0;
}

}  // namespace wl::cuda
