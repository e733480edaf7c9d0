// The contract of wl_attention: what it refuses and with which words, what it accepts at the edges.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "support/attention_case.h"

namespace wl::test {
namespace {

struct BadCall {
  const char* name;
  std::function<void(wl_attention_params&)> spoil;
  wl_status status;
  const char* parameter;
  const char* text;
};

AttentionSetup dense() {
  AttentionSetup s;
  s.q_lengths = {4, 4};
  s.k_lengths = {6, 6};
  s.q_heads = 4;
  s.k_heads = 2;
  s.seqused = s.lse = s.alibi = s.sinks = true;
  return s;
}

AttentionSetup packed() {
  AttentionSetup s = dense();
  s.seqused = false;
  s.q_packed = s.k_packed = true;
  return s;
}

void expect_refused(const AttentionSetup& setup, const BadCall& bad) {
#if defined(WL_TEST_ON_DEVICE)  // the contents of index arrays are not read there
  const std::string parameter = bad.parameter;
  for (const char* array : {"seqused_k[", "cu_seqlens_q[", "cu_seqlens_k["}) {
    if (parameter.starts_with(array)) return;
  }
#endif
  SCOPED_TRACE(bad.name);
  AttentionCase attention(setup);
  ASSERT_EQ(attention.run(), WL_STATUS_OK) << wl_last_error();
  bad.spoil(attention.params);
  const auto before = attention.bytes();
  EXPECT_EQ(wl_attention(&attention.params, nullptr), bad.status);
  EXPECT_EQ(std::string(wl_last_error()), std::string("wl_attention: ") + bad.text);
  EXPECT_STREQ(wl_last_error_parameter(), bad.parameter);
  EXPECT_EQ(attention.bytes(), before);  // nothing was written
  char reason[256];
  EXPECT_EQ(wl_attention_supported(&attention.params, nullptr, reason, sizeof reason), bad.status);
  EXPECT_EQ(std::string(reason), std::string("wl_attention_supported: ") + bad.text);
}

TEST(Attention, RefusesBadDenseCalls) {
  const BadCall calls[] = {
      {"unknown flag", [](auto& p) { p.flags = 8; }, WL_STATUS_UNSUPPORTED, "flags",
       "flags is 0x8; must be a combination of 0x3"},
      {"scale", [](auto& p) { p.scale = NAN; }, WL_STATUS_INVALID_ARGUMENT, "scale",
       "scale is nan; must be finite"},
      {"softcap", [](auto& p) { p.softcap = std::numeric_limits<float>::infinity(); },
       WL_STATUS_INVALID_ARGUMENT, "softcap", "softcap is inf; must be finite"},
      {"heads", [](auto& p) { p.k.shape[2] = p.v.shape[2] = 3; }, WL_STATUS_INVALID_ARGUMENT, "q.shape[2]",
       "q.shape[2] is 4; must be a multiple of 3, the heads of k"},
      {"no heads of k", [](auto& p) { p.k.shape[2] = p.v.shape[2] = 0; }, WL_STATUS_INVALID_ARGUMENT,
       "q.shape[2]", "q.shape[2] is 4; must be a multiple of 0, the heads of k"},
      {"head dimension", [](auto& p) { p.k.shape[3] = 31; }, WL_STATUS_INVALID_ARGUMENT, "k.shape[3]",
       "k.shape[3] is 31; must be 32, the head dimension of q"},
      {"no head dimension", [](auto& p) { p.v.shape[3] = p.o.shape[3] = 0; }, WL_STATUS_INVALID_ARGUMENT,
       "v.shape[3]", "v.shape[3] is 0; must be at least 1"},
      {"rows of v", [](auto& p) { p.v.shape[1] = 5; }, WL_STATUS_INVALID_ARGUMENT, "v.shape[1]",
       "v.shape[1] is 5; must be 11, the extent of k"},
      {"rank of v", [](auto& p) { p.v.rank = 3; }, WL_STATUS_INVALID_ARGUMENT, "v.rank",
       "v.rank is 3; must be 4"},
      {"types", [](auto& p) { p.q.dtype = WL_DTYPE_BFLOAT16; }, WL_STATUS_INVALID_ARGUMENT, "k.dtype",
       "k.dtype is float32 (1); must be bfloat16, the type of q where q is not float32"},
      {"types of k and v", [](auto& p) { p.v.dtype = WL_DTYPE_FLOAT16; }, WL_STATUS_INVALID_ARGUMENT,
       "v.dtype", "v.dtype is float16 (2); must be float32, the type of k"},
      {"last stride", [](auto& p) { p.k.strides[3] = 2; }, WL_STATUS_INVALID_ARGUMENT, "k.strides[3]",
       "k.strides[3] is 2; must be 1"},
      {"output rows share memory", [](auto& p) { p.o.strides[1] = 0; }, WL_STATUS_INVALID_ARGUMENT,
       "o.strides[1]", "o.strides[1] is 0; must be at least 1: elements of an output must not share memory"},
      {"extent of o", [](auto& p) { p.o.shape[2] = 3; }, WL_STATUS_INVALID_ARGUMENT, "o.shape[2]",
       "o.shape[2] is 3; must be 4, the extent of q"},
      {"extent of lse", [](auto& p) { p.lse.shape[2] = 3; }, WL_STATUS_INVALID_ARGUMENT, "lse.shape[2]",
       "lse.shape[2] is 3; must be 4, the rows of q"},
      {"slopes", [](auto& p) { p.alibi_slopes.shape[0] = 3; }, WL_STATUS_INVALID_ARGUMENT,
       "alibi_slopes.shape[0]", "alibi_slopes.shape[0] is 3; must be 4, the heads of q"},
      {"batch of k", [](auto& p) { p.k.shape[0] = p.v.shape[0] = 1; }, WL_STATUS_INVALID_ARGUMENT,
       "k.shape[0]", "k.shape[0] is 1; must be 2, the sequences of q"},
      {"length in use too long", [](auto& p) { static_cast<int32_t*>(p.seqused_k.data)[1] = 12; },
       WL_STATUS_INVALID_ARGUMENT, "seqused_k[1]", "seqused_k[1] is 12; must be from 0 to 11, the rows of k"},
      {"length in use negative", [](auto& p) { static_cast<int32_t*>(p.seqused_k.data)[0] = -1; },
       WL_STATUS_INVALID_ARGUMENT, "seqused_k[0]", "seqused_k[0] is -1; must be from 0 to 11, the rows of k"},
      {"offsets for dense q", [](auto& p) { p.cu_seqlens_q = p.seqused_k; }, WL_STATUS_INVALID_ARGUMENT,
       "cu_seqlens_q", "cu_seqlens_q is given; must be absent, because q is dense (rank 4)"},
      {"a tensor past the address space", [](auto& p) { p.k.strides[0] = INT64_MAX; },
       WL_STATUS_INVALID_ARGUMENT, "k.strides[0]",
       "k.strides[0] is 9223372036854775807; must be small enough for a tensor of under 2^63 bytes"}};
  for (const BadCall& bad : calls) expect_refused(dense(), bad);
}

TEST(Attention, RefusesBadPackedCalls) {
  const auto offsets = [](wl_tensor& t) { return static_cast<int32_t*>(t.data); };
  const BadCall calls[] = {
      {"no offsets", [](auto& p) { p.cu_seqlens_q = {}; }, WL_STATUS_INVALID_ARGUMENT, "cu_seqlens_q",
       "cu_seqlens_q is absent; must be given, because q is packed (rank 3)"},
      {"offsets that decrease", [&](auto& p) { offsets(p.cu_seqlens_q)[1] = 1; }, WL_STATUS_INVALID_ARGUMENT,
       "cu_seqlens_q[1]", "cu_seqlens_q[1] is 1; must be at least 2"},
      {"offsets past the tensor", [&](auto& p) { offsets(p.cu_seqlens_k)[2] = 17; },
       WL_STATUS_INVALID_ARGUMENT, "cu_seqlens_k[2]",
       "cu_seqlens_k[2] is 17; must be at most 16, the rows of k"},
      {"negative offset", [&](auto& p) { offsets(p.cu_seqlens_k)[0] = INT32_MIN; },
       WL_STATUS_INVALID_ARGUMENT, "cu_seqlens_k[0]", "cu_seqlens_k[0] is -2147483648; must be at least 0"},
      {"another number of sequences", [](auto& p) { p.cu_seqlens_k.shape[0] = 2; },
       WL_STATUS_INVALID_ARGUMENT, "cu_seqlens_k.shape[0]",
       "cu_seqlens_k.shape[0] is 2; must be 3, one more than the sequences"},
      {"no sequences at all", [](auto& p) { p.cu_seqlens_q.shape[0] = 0; }, WL_STATUS_INVALID_ARGUMENT,
       "cu_seqlens_q.shape[0]",
       "cu_seqlens_q.shape[0] is 0; must be at least 1, one more than the sequences"}};
  for (const BadCall& bad : calls) expect_refused(packed(), bad);
}

TEST(Attention, ReasonIsCutToItsBuffer) {
  AttentionCase attention(dense());
  char reason[12];
  EXPECT_EQ(wl_attention_supported(&attention.params, nullptr, reason, sizeof reason), WL_STATUS_OK);
  EXPECT_STREQ(reason, "");
  attention.params.scale = NAN;
  EXPECT_EQ(wl_attention_supported(&attention.params, nullptr, reason, sizeof reason),
            WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(reason, "wl_attentio");
  EXPECT_EQ(wl_attention_supported(&attention.params, nullptr, nullptr, 0), WL_STATUS_INVALID_ARGUMENT);
}

TEST(Attention, AnOlderClientsStructMeansNoModifiers) {
  AttentionSetup s = dense();
  s.alibi = s.sinks = s.seqused = false;
  AttentionCase attention(s);
  ASSERT_EQ(attention.run(), WL_STATUS_OK);
  const auto expected = attention.bytes();
  attention.params.struct_size = offsetof(wl_attention_params, seqused_k);
  ASSERT_EQ(attention.run(), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(attention.bytes(), expected);
}

TEST(Attention, EmptyCallsAreLegal) {
  AttentionSetup s;
  s.q_packed = s.k_packed = true;
  s.q_lengths = s.k_lengths = {};
  AttentionCase no_sequences(s);
  EXPECT_EQ(no_sequences.run(), WL_STATUS_OK) << wl_last_error();
  s = dense();
  s.q_lengths = {0, 0};
  AttentionCase no_rows(s);
  EXPECT_EQ(no_rows.run(), WL_STATUS_OK) << wl_last_error();
  no_rows.params.q.data = no_rows.params.o.data = no_rows.params.lse.data = nullptr;
  EXPECT_EQ(wl_attention(&no_rows.params, nullptr), WL_STATUS_OK) << wl_last_error();
  AttentionCase no_heads(dense());
  wl_attention_params& p = no_heads.params;
  p.q.shape[2] = p.k.shape[2] = p.v.shape[2] = p.o.shape[2] = p.lse.shape[1] = 0;
  p.alibi_slopes.shape[0] = p.sinks.shape[0] = 0;
  EXPECT_EQ(wl_attention(&p, nullptr), WL_STATUS_OK) << wl_last_error();
}

// A window that reaches past both ends of int64 is no bound.
TEST(Attention, WindowsOfAnySizeAreLegal) {
  AttentionSetup s = dense();
  AttentionCase attention(s);
  ASSERT_EQ(attention.run(), WL_STATUS_OK);
  const auto expected = attention.bytes();
  attention.params.flags = WL_ATTENTION_WINDOW;
  for (const int64_t bound : {INT64_MAX, INT64_MIN, int64_t{-1}, int64_t{1000}}) {
    attention.params.window_left = attention.params.window_right = bound;
    ASSERT_EQ(attention.run(), WL_STATUS_OK);
    EXPECT_EQ(attention.bytes(), expected) << bound;
  }
}

// Strides of zero: one key and value for all rows gives that value, however often it counts.
TEST(Attention, BroadcastKeysAndValues) {
  AttentionCase attention(dense());
  wl_attention_params& p = attention.params;
  p.seqused_k = p.alibi_slopes = p.sinks = {};
  p.k.strides[0] = p.k.strides[1] = p.v.strides[0] = p.v.strides[1] = 0;
  ASSERT_TRUE(attention.run_and_check());
}

TEST(Attention, ManyKeyAndFewQueryHeads) {
  for (const int64_t group : {1, 7, 71}) {
    AttentionSetup s;
    s.q_lengths = {3};
    s.k_lengths = {50};
    s.k_heads = group == 1 ? 5 : 1;
    s.q_heads = s.k_heads * group;
    s.causal = s.lse = true;
    EXPECT_TRUE(AttentionCase(s).run_and_check());
  }
}

}  // namespace
}  // namespace wl::test
