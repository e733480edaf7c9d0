// Attention where the CUDA kernels' tiles end: lengths around tiles of queries and of keys, head dimensions between the
// buckets, more packed sequences than a warp looks at in one step.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/attention_case.h"

namespace wl::test {
namespace {

class AttentionTiles : public testing::TestWithParam<int32_t> {
 protected:
  static AttentionSetup setup(int64_t d, int64_t sq, int64_t sk) {
    AttentionSetup s;
    s.q_dtype = s.kv_dtype = s.o_dtype = GetParam();
    s.q_lengths = {sq};
    s.k_lengths = {sk};
    s.q_heads = s.k_heads = 1;
    s.d_qk = s.d_v = d;
    s.lse = true;
    return s;
  }
};

TEST_P(AttentionTiles, LengthsAroundTiles) {
  for (const auto& [sq, sk] : {std::pair<int64_t, int64_t>{1, 1},
                               {1, 339},
                               {15, 16},
                               {63, 64},
                               {64, 63},
                               {65, 97},
                               {113, 203},
                               {127, 128},
                               {129, 65},
                               {799, 3},
                               {1, 0},
                               {5, 0}}) {
    for (const int64_t d : {64, 128, 192}) {
      for (const bool causal : {false, true}) {
        AttentionSetup s = setup(d, sq, sk);
        s.causal = causal;
        ASSERT_TRUE(AttentionCase(s).run_and_check());
      }
    }
  }
}

// Tiles that no mask touches lie between tiles that one does, on either side.
TEST_P(AttentionTiles, WindowsOfSeveralTiles) {
  for (const auto& [left, right] : {std::pair<int64_t, int64_t>{150, 150}, {200, 0}, {-1, 40}, {40, -1}}) {
    for (const int64_t d : {32, 64, 128, 256}) {
      AttentionSetup s = setup(d, 70, 420);
      s.window = true;
      s.window_left = left;
      s.window_right = right;
      ASSERT_TRUE(AttentionCase(s).run_and_check());
    }
  }
}

TEST_P(AttentionTiles, HeadDimensionsBetweenBuckets) {
  for (const int64_t d : {1, 8, 31, 40, 59, 72, 80, 104, 111, 136, 160, 184, 200, 255}) {
    for (const bool causal : {false, true}) {
      AttentionSetup s = setup(d, 40, 150);
      s.causal = causal;
      ASSERT_TRUE(AttentionCase(s).run_and_check());
    }
  }
}

TEST_P(AttentionTiles, UnequalHeadDimensions) {
  for (const auto& [d_qk, d_v] :
       {std::pair<int64_t, int64_t>{192, 128}, {144, 96}, {192, 136}, {64, 128}, {128, 32}, {40, 250}}) {
    AttentionSetup s = setup(d_qk, 35, 130);
    s.d_v = d_v;
    s.causal = true;
    ASSERT_TRUE(AttentionCase(s).run_and_check());
  }
}

TEST_P(AttentionTiles, ManyPackedSequences) {
  AttentionSetup s = setup(32, 0, 0);
  s.q_packed = s.k_packed = true;
  s.q_lengths.clear();
  s.k_lengths.clear();
  Random random(3);
  for (int i = 0; i < 75; ++i) {
    s.q_lengths.push_back(i == 40 ? 260 : random.integer(0, 3));
    s.k_lengths.push_back(random.integer(0, 40));
  }
  s.causal = s.alibi = s.alibi_per_sequence = true;
  ASSERT_TRUE(AttentionCase(s).run_and_check());
}

INSTANTIATE_TEST_SUITE_P(Types, AttentionTiles,
                         testing::Values(WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16, WL_DTYPE_FLOAT32),
                         [](const auto& info) { return std::string(dtype_name(info.param)); });

}  // namespace
}  // namespace wl::test
