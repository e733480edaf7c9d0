// Attention over the grid that users span: types, head dimensions, layouts, every pair of features, every
// instruction set and both kernels, against the reference in double precision.
#include <gtest/gtest.h>

#include <string>

#include "support/attention_case.h"

namespace wl::test {
namespace {

// Slower builds (WARPLINE_ASAN) take every n-th point; a default build takes all.
#if defined(__SANITIZE_ADDRESS__)
constexpr int kStep = 4;
#else
constexpr int kStep = 1;
#endif

// Of head dimensions.
#if defined(WL_TEST_ON_DEVICE)
constexpr int64_t kWidest = 256;
#else
constexpr int64_t kWidest = 576;
#endif

enum Feature { kCausal, kWindow, kAlibi, kSoftcap, kSinks, kLse, kGroups, kUnequalWidths, kFeatures };

void enable(Feature feature, AttentionSetup& s) {
  switch (feature) {
    case kCausal:
      s.causal = true;
      break;
    case kWindow:
      s.window = true;
      s.window_left = 9;
      s.window_right = 3;
      break;
    case kAlibi:
      s.alibi = true;
      break;
    case kSoftcap:
      s.softcap = 5;
      break;
    case kSinks:
      s.sinks = true;
      break;
    case kLse:
      s.lse = true;
      break;
    case kGroups:
      s.q_heads = 2 * s.k_heads;
      break;
    default:
      s.d_v = s.d_qk + 24 <= kWidest ? s.d_qk + 24 : s.d_qk - 24;
  }
}

class AttentionGrid : public testing::TestWithParam<int32_t> {};

TEST_P(AttentionGrid, EveryPairOfFeaturesAtEveryHeadDimensionDenseAndPacked) {
  int point = 0;
  for (const int64_t d : {32, 64, 96, 128, 192, 256, 40, 72, 111}) {
    for (const bool packed : {false, true}) {
      for (int first = 0; first < kFeatures; ++first) {
        for (int second = first; second < kFeatures; ++second) {
          if (++point % kStep != 0) continue;
          AttentionSetup s;
          s.q_dtype = s.kv_dtype = s.o_dtype = GetParam();
          s.q_packed = s.k_packed = packed;
          s.q_lengths = packed ? std::vector<int64_t>{13, 1} : std::vector<int64_t>{9};
          s.k_lengths = packed ? std::vector<int64_t>{29, 6} : std::vector<int64_t>{37};
          s.q_heads = s.k_heads = 1;
          s.d_qk = s.d_v = d;
          s.seed = static_cast<uint64_t>(point);
          enable(static_cast<Feature>(first), s);
          enable(static_cast<Feature>(second), s);
          ASSERT_TRUE(AttentionCase(s).run_and_check());
        }
      }
    }
  }
}

TEST_P(AttentionGrid, LengthsAroundTilesAndBlocks) {
  for (const auto& [sq, sk] : {std::pair<int64_t, int64_t>{1, 1},
                               {1, 339},
                               {3, 17},
                               {15, 16},
                               {63, 255},
                               {64, 256},
                               {65, 257},
                               {85, 513},
                               {113, 203},
                               {799, 3},
                               {1, 0},
                               {5, 0},
                               {200, 1024}}) {
    for (const bool causal : {false, true}) {
      AttentionSetup s;
      s.q_dtype = s.kv_dtype = s.o_dtype = GetParam();
      s.q_lengths = {sq};
      s.k_lengths = {sk};
      s.q_heads = s.k_heads = 1;
      s.d_qk = s.d_v = 64;
      s.causal = causal;
      s.lse = true;
      ASSERT_TRUE(AttentionCase(s).run_and_check());
    }
  }
}

TEST_P(AttentionGrid, LongCausalCalls) {
  for (const auto& [sq, sk] : {std::pair<int64_t, int64_t>{1023, 1024}, {2048, 2048}}) {
    AttentionSetup s;
    s.q_dtype = s.kv_dtype = s.o_dtype = GetParam();
    s.q_lengths = {sq / kStep};
    s.k_lengths = {sk / kStep};
    s.q_heads = s.k_heads = 1;
    s.d_qk = s.d_v = 48;
    s.causal = s.lse = true;
    ASSERT_TRUE(AttentionCase(s).run_and_check());
  }
}

TEST_P(AttentionGrid, EveryInstructionSetAndBothKernels) {
  for (const int64_t d : {int64_t{1}, int64_t{40}, int64_t{64}, int64_t{111}, kWidest}) {
    AttentionSetup s;
    s.q_dtype = s.kv_dtype = s.o_dtype = GetParam();
    s.q_packed = s.k_packed = true;
    s.q_lengths = {130, 0, 1, 5};
    s.k_lengths = {300, 4, 270, 0};
    s.q_heads = 3;
    s.k_heads = 1;
    s.d_qk = d;
    s.d_v = d == 64 ? 80 : d;
    s.causal = s.alibi = s.sinks = s.lse = true;
    AttentionCase attention(s);
#if defined(WL_TEST_ON_DEVICE)
    ASSERT_TRUE(attention.run_and_check());
#else
    for (const std::string& isa : instruction_sets()) {
      const OptionScope isa_scope("cpu_isa", isa);
      for (const char* kernel : {"tiles", "split"}) {
        const OptionScope kernel_scope("attention.kernel", kernel);
        ASSERT_TRUE(attention.run_and_check()) << isa << " " << kernel;
        const std::string used = isa == "avx512_bf16" && GetParam() != WL_DTYPE_BFLOAT16 ? "avx512" : isa;
        EXPECT_EQ(wl_last_kernel(),
                  std::string("attention.") + kernel + "." + used + "." + dtype_name(GetParam()));
      }
    }
#endif
  }
}

TEST_P(AttentionGrid, EveryLayoutAndTypeOfOutput) {
  for (const AttentionLayout layout : {AttentionLayout::kContiguous, AttentionLayout::kHeadsFirst,
                                       AttentionLayout::kPaddedRows, AttentionLayout::kInterleavedKv}) {
    for (const bool packed : {false, true}) {
      for (const int32_t o_dtype : {GetParam(), int32_t{WL_DTYPE_FLOAT32}}) {
        for (const int64_t d : {33, 64}) {
          AttentionSetup s;
          s.q_dtype = s.kv_dtype = GetParam();
          s.o_dtype = o_dtype;
          s.layout = layout;
          s.q_packed = packed;  // k stays dense: the two are independent
          s.seqused = true;
          s.q_lengths = {20, 20, 20};
          s.k_lengths = {0, 33, 290};
          s.q_heads = 4;
          s.k_heads = 2;
          s.d_qk = d;
          s.d_v = 48;
          s.causal = s.lse = true;
          ASSERT_TRUE(AttentionCase(s).run_and_check());
        }
      }
    }
  }
}

#if !defined(WL_TEST_ON_DEVICE)  // keys have the type of q there
TEST_P(AttentionGrid, Float32QueriesOverKeysOfTheType) {
  AttentionSetup s;
  s.kv_dtype = GetParam();
  s.q_packed = s.k_packed = true;
  s.q_lengths = {70, 3};
  s.k_lengths = {100, 259};
  s.causal = s.lse = true;
  s.d_qk = s.d_v = 40;
  for (const std::string& isa : instruction_sets()) {
    const OptionScope isa_scope("cpu_isa", isa);
    EXPECT_TRUE(AttentionCase(s).run_and_check());
  }
}
#endif

INSTANTIATE_TEST_SUITE_P(Types, AttentionGrid,
                         testing::Values(WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16),
                         [](const auto& info) { return std::string(dtype_name(info.param)); });

}  // namespace
}  // namespace wl::test
