// Which attention kernel serves a call, and what is refused: a pure function of the call.
#include <gtest/gtest.h>

#include <string>

#include "core/failure.h"
#include "cuda/attention/plan.h"
#include "cuda/attention/tuning.h"
#include "support/attention_case.h"

namespace wl::test {
namespace {

AttentionSetup setup(int64_t d_qk, int64_t d_v) {
  AttentionSetup s;
  s.q_dtype = s.kv_dtype = s.o_dtype = WL_DTYPE_BFLOAT16;
  s.d_qk = d_qk;
  s.d_v = d_v;
  return s;
}

cuda::AttentionPlan plan_of(const AttentionSetup& s) {
  const AttentionCase attention(s);
  return cuda::plan_attention(attention.params, static_cast<int64_t>(s.q_lengths.size()));
}

TEST(AttentionPlan, TakesTheFirstBucketThatHoldsBothHeadDimensions) {
  const struct {
    int64_t d_qk, d_v;
    int bucket_d_qk, bucket_d_v;
  } cases[] = {{1, 1, 32, 32},       {32, 32, 32, 32},     {40, 40, 64, 64},    {64, 96, 96, 96},
               {111, 111, 128, 128}, {192, 128, 192, 128}, {129, 64, 192, 128}, {192, 136, 192, 192},
               {256, 8, 256, 256},   {8, 256, 256, 256},   {128, 128, 128, 128}};
  for (const auto& c : cases) {
    const auto& tuning = cuda::kAttentionTuning16[plan_of(setup(c.d_qk, c.d_v)).bucket];
    EXPECT_EQ(tuning.d_qk, c.bucket_d_qk) << c.d_qk << ":" << c.d_v;
    EXPECT_EQ(tuning.d_v, c.bucket_d_v) << c.d_qk << ":" << c.d_v;
  }
}

TEST(AttentionPlan, ThePlainKernelServesPlainScoresOfWholeChunks) {
  AttentionSetup s = setup(64, 64);
  s.causal = s.window = s.sinks = s.lse = true;
  EXPECT_FALSE(plan_of(s).modified);
  s.scale = -0.5f;
  EXPECT_TRUE(plan_of(s).modified);
  s.scale = 0;
  s.softcap = 5;
  EXPECT_TRUE(plan_of(s).modified);
  s.softcap = 0;
  s.alibi = true;
  EXPECT_TRUE(plan_of(s).modified);
  s.alibi = false;
  s.layout = AttentionLayout::kPaddedRows;
  EXPECT_TRUE(plan_of(s).modified);
  EXPECT_TRUE(plan_of(setup(60, 64)).modified);
}

// Enough blocks for every tile of packed sequences, whatever their lengths.
TEST(AttentionPlan, BlocksForAnyOffsets) {
  AttentionSetup s = setup(64, 64);
  s.q_packed = true;
  s.q_heads = 3;
  s.k_heads = 1;
  s.q_lengths = {1, 129, 0, 257};
  s.k_lengths = {7, 7, 7, 7};
  const cuda::AttentionPlan plan = plan_of(s);
  EXPECT_GE(plan.params.tiles, 1 + 2 + 3);
  EXPECT_EQ(plan.blocks, static_cast<uint32_t>(plan.params.tiles) * 3);
}

TEST(AttentionPlan, RefusesWhatItDoesNotServe) {
  const auto refusal = [](const AttentionSetup& s) {
    try {
      plan_of(s);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status, WL_STATUS_UNSUPPORTED);
      return failure.parameter;
    }
    return std::string();
  };
  EXPECT_EQ(refusal(setup(257, 64)), "q.shape[3]");
  EXPECT_EQ(refusal(setup(64, 300)), "v.shape[3]");
  AttentionSetup mixed = setup(64, 64);
  mixed.q_dtype = WL_DTYPE_FLOAT32;
  EXPECT_EQ(refusal(mixed), "k.dtype");
}

}  // namespace
}  // namespace wl::test
