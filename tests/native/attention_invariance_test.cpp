// Bits: equal for any number of threads, any kernel, any batch and any chunking, and from call to call.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "support/attention_case.h"

namespace wl::test {
namespace {

AttentionSetup mixed_setup(int32_t dtype) {
  AttentionSetup s;
  s.q_dtype = s.kv_dtype = s.o_dtype = dtype;
  s.q_packed = s.k_packed = true;
  s.q_lengths = {1, 150, 0, 64, 3};
  s.k_lengths = {1500, 290, 40, 64, 700};
  s.q_heads = 6;
  s.k_heads = 2;
  s.d_qk = 40;
  s.d_v = 56;
  s.causal = s.alibi = s.sinks = s.lse = true;
  return s;
}

class AttentionBits : public testing::TestWithParam<int32_t> {};

TEST_P(AttentionBits, AnyNumberOfThreadsBothKernelsAndRepeats) {
  for (const std::string& isa : instruction_sets()) {
    const OptionScope isa_scope("cpu_isa", isa);
    AttentionCase attention(mixed_setup(GetParam()));
    std::vector<unsigned char> first;
    for (const char* kernel : {"auto", "tiles", "split"}) {
      const OptionScope kernel_scope("attention.kernel", kernel);
      for (const char* threads : {"1", "2", "3", "7"}) {
        const OptionScope thread_scope("threads", threads);
        for (int repeat = 0; repeat < 2; ++repeat) {
          ASSERT_EQ(attention.run(), WL_STATUS_OK) << wl_last_error();
          if (first.empty()) first = attention.bytes();
          ASSERT_EQ(attention.bytes(), first) << isa << " " << kernel << " " << threads << " threads";
        }
      }
    }
  }
}

// 300 tokens of one sequence: at once, token by token and in random chunks of other strides; masks must not matter, nor
// that a device may have another kernel for rows that no 16-byte access can read.
TEST_P(AttentionBits, ChunksOfASequence) {
  constexpr int64_t kTokens = 300;
  wl_launch launch{};
  launch.struct_size = sizeof launch;
  launch.flags = WL_FLAG_BATCH_INVARIANT;
  const struct {
    bool windowed, modified;
    int64_t d;
  } cases[] = {{false, true, 48}, {true, true, 48}, {false, false, 64}, {true, false, 96}};
  for (const auto& c : cases) {
    AttentionSetup s;
    s.q_dtype = s.kv_dtype = s.o_dtype = GetParam();
    s.causal = s.lse = true;
    s.alibi = c.modified;
    s.softcap = c.modified ? 20 : 0;
    s.window = c.windowed;
    s.window_left = 100;
    s.window_right = 0;
    s.q_lengths = s.k_lengths = {kTokens};
    s.q_heads = 2;
    s.k_heads = 1;
    s.d_qk = s.d_v = c.d;
    AttentionCase whole(s);
    ASSERT_EQ(whole.run(&launch), WL_STATUS_OK);
    const auto o = whole.o(), lse = whole.lse();
    Random random(7);
    for (const int64_t longest : {1, 5, 130}) {
      s.layout = longest == 5 ? AttentionLayout::kPaddedRows : AttentionLayout::kContiguous;
      AttentionCase chunked(s);
      const wl_attention_params all = chunked.params;
      ASSERT_EQ(chunked.run(&launch), WL_STATUS_OK);
      for (int64_t begin = 0; begin < kTokens;) {
        const int64_t n = std::min(kTokens - begin, random.integer(1, longest));
        wl_attention_params p = all;
        const auto rows = [&](wl_tensor& t) {
          t.data = static_cast<unsigned char*>(t.data) + begin * t.strides[1] * element_size(t.dtype);
          t.shape[1] = n;
        };
        rows(p.q);
        rows(p.o);
        p.k.shape[1] = p.v.shape[1] = begin + n;
        p.lse.data = static_cast<float*>(p.lse.data) + begin;
        p.lse.shape[2] = n;
        ASSERT_EQ(wl_attention(&p, &launch), WL_STATUS_OK) << wl_last_error();
        begin += n;
      }
      EXPECT_EQ(chunked.o(), o) << longest << " at " << c.d;
      EXPECT_EQ(chunked.lse(), lse) << longest << " at " << c.d;
    }
  }
}

// The same sequence alone and among others.
TEST_P(AttentionBits, BatchesOfSequences) {
  AttentionSetup s = mixed_setup(GetParam());
  AttentionCase together(s);
  ASSERT_EQ(together.run(), WL_STATUS_OK);
  const auto o = together.o();
  int64_t row = 2;  // where the first sequence begins
  for (size_t b = 0; b < s.q_lengths.size(); ++b) {
    AttentionCase alone(s);
    wl_attention_params p = alone.params;
    const int32_t q_range[2] = {static_cast<int32_t>(row), static_cast<int32_t>(row + s.q_lengths[b])};
    const auto* k_offsets = static_cast<const int32_t*>(p.cu_seqlens_k.data);
    const int32_t k_range[2] = {k_offsets[b], k_offsets[b + 1]};
    p.cu_seqlens_q.data = const_cast<int32_t*>(q_range);
    p.cu_seqlens_k.data = const_cast<int32_t*>(k_range);
    p.cu_seqlens_q.shape[0] = p.cu_seqlens_k.shape[0] = 2;
    ASSERT_EQ(wl_attention(&p, nullptr), WL_STATUS_OK) << wl_last_error();
    const auto one = alone.o();
    const int64_t width = s.q_heads * s.d_v;
    for (int64_t i = row * width; i < (row + s.q_lengths[b]) * width; ++i)
      ASSERT_EQ(one[static_cast<size_t>(i)], o[static_cast<size_t>(i)]) << "sequence " << b;
    row += s.q_lengths[b];
  }
}

TEST_P(AttentionBits, StridesDoNotMatter) {
  AttentionSetup s = mixed_setup(GetParam());
  s.d_v = s.d_qk;
  AttentionCase contiguous(s);
  ASSERT_EQ(contiguous.run(), WL_STATUS_OK);
  const auto o = contiguous.o();
  for (int layout = 1; layout <= 3; ++layout) {
    s.layout = static_cast<AttentionLayout>(layout);
    AttentionCase strided(s);
    ASSERT_EQ(strided.run(), WL_STATUS_OK);
    // Compared as text of numbers: rows that no sequence owns are NaN.
    const auto got = strided.o();
    for (size_t i = 0; i < o.size(); ++i)
      ASSERT_TRUE(got[i] == o[i] || (got[i] != got[i] && o[i] != o[i])) << layout;
  }
}

TEST(AttentionCalls, ManyThreadsMayCallAtOnce) {
  const AttentionSetup s = mixed_setup(WL_DTYPE_FLOAT32);
  AttentionCase one(s);
  ASSERT_EQ(one.run(), WL_STATUS_OK);
  const auto expected = one.bytes();
  std::vector<std::thread> callers;
  std::vector<int> wrong(8, 0);
  for (size_t i = 0; i < wrong.size(); ++i) {
    callers.emplace_back([&, i] {
      AttentionCase own(s);
      for (int repeat = 0; repeat < 5; ++repeat)
        wrong[i] += own.run() != WL_STATUS_OK || own.bytes() != expected;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, std::vector<int>(8, 0));
}

// Scratch does not grow once a call of that size has been made.
TEST(AttentionCalls, SteadyStateAllocatesNothing) {
  AttentionCase attention(mixed_setup(WL_DTYPE_FLOAT32));
  ASSERT_EQ(attention.run(), WL_STATUS_OK);
  const uint64_t before = wl_scratch_bytes();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(attention.run(), WL_STATUS_OK);
  EXPECT_EQ(wl_scratch_bytes(), before);
}

INSTANTIATE_TEST_SUITE_P(Types, AttentionBits,
                         testing::Values(WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16),
                         [](const auto& info) { return std::string(dtype_name(info.param)); });

}  // namespace
}  // namespace wl::test
