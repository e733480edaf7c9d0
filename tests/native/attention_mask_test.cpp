// Masks, where tolerances are blind: planted keys at every bound, and faults that the checks must find.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "support/attention_case.h"

namespace wl::test {
namespace {

struct Mask {
  const char* name;
  bool causal;
  int64_t left, right;  // -1: no bound; both -1: no window
};
constexpr Mask kMasks[] = {{"none", false, -1, -1},      {"causal", true, -1, -1},
                           {"left", false, 20, -1},      {"right", false, -1, 6},
                           {"both", false, 30, 4},       {"causal window", true, 15, 0},
                           {"own key only", true, 0, 0}, {"wide", true, 300, 400}};

AttentionSetup masked_setup(const Mask& mask, int32_t dtype) {
  AttentionSetup s;
  s.q_dtype = s.kv_dtype = dtype;
  s.causal = mask.causal;
  s.window = mask.left >= 0 || mask.right >= 0;
  s.window_left = mask.left;
  s.window_right = mask.right;
  s.seqused = true;
  s.q_heads = s.k_heads = 1;
  s.d_qk = s.d_v = 16;
  return s;
}

// Row `query` sees all keys alike; one key scores far above them and carries `value`.
double output_with_planted_key(const AttentionSetup& s, int64_t query, int64_t key, double value) {
  AttentionCase attention(s);
  for (int64_t d = 0; d < s.d_qk; ++d) attention.set_q(0, query, 0, d, d == 0 ? 40 : 0);
  for (int64_t i = 0; i < s.k_lengths[0]; ++i) {
    attention.set_k(0, i, 0, 0, i == key ? 4 : 0);  // scores: 40, else 0
    for (int64_t d = 0; d < s.d_v; ++d) attention.set_v(0, i, 0, d, i == key ? value : 1);
  }
  EXPECT_EQ(attention.run(), WL_STATUS_OK) << wl_last_error();
  return attention.o()[static_cast<size_t>(query * s.d_v)];
}

class AttentionMask : public testing::TestWithParam<std::string> {};

TEST_P(AttentionMask, TheFirstForbiddenKeyIsNotSeenAndTheLastAllowedOneIs) {
  const OptionScope kernel("attention.kernel", GetParam());
  for (const int32_t dtype : {WL_DTYPE_FLOAT32, WL_DTYPE_BFLOAT16}) {
    for (const Mask& mask : kMasks) {
      for (const auto& [sq, sk] : {std::pair<int64_t, int64_t>{40, 40}, {70, 300}, {9, 263}}) {
        AttentionSetup s = masked_setup(mask, dtype);
        s.q_lengths = {sq};
        s.k_lengths = {sk};
        const wl_attention_params params = AttentionCase(s).params;
        for (const int64_t query : {int64_t{0}, sq / 2, sq - 1}) {
          const AttendedKeys keys = attended_keys(params, sq, sk, query);
          const std::string where = std::string(mask.name) + " query " + std::to_string(query) + " of " +
                                    std::to_string(sq) + ":" + std::to_string(sk);
          for (const int64_t forbidden : {keys.begin - 1, keys.end}) {
            if (forbidden < 0 || forbidden >= sk) continue;
            EXPECT_NEAR(output_with_planted_key(s, query, forbidden, 1e4), 1, 1e-2)
                << where << " key " << forbidden;
          }
          for (const int64_t allowed : {keys.begin, keys.end - 1})
            EXPECT_NEAR(output_with_planted_key(s, query, allowed, 256), 256, 1)
                << where << " key " << allowed;
        }
      }
    }
  }
}

// A fault in the formula, put in on the test's side, must be outside the tolerance; so the tolerance sees such a
// fault in a kernel.
TEST_P(AttentionMask, FaultsAreFound) {
  using F = AttentionFault;
  const OptionScope kernel("attention.kernel", GetParam());
  for (const int32_t dtype : {WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16}) {
    AttentionSetup s = masked_setup({"", true, 12, 3}, dtype);
    s.o_dtype = dtype;
    s.lse = true;
    s.amplitude = 1.5;
    s.q_lengths = {48};
    s.k_lengths = {60};
    AttentionCase causal(s);
    s.causal = false;
    AttentionCase window(s);
    s.window = false;
    AttentionCase plain(s);
    const auto found = [](AttentionCase& attention, F fault) {
      EXPECT_TRUE(attention.run_and_check());
      EXPECT_TRUE(attention.check(attention_in_float(attention.params)));
      const AttentionValues faulty = attention_in_float(attention.params, fault);
      // By each output alone.
      EXPECT_FALSE(attention.check({faulty.o, {}})) << static_cast<int>(fault);
      if (fault != F::kSwappedValues) {
        EXPECT_FALSE(attention.check({attention.o(), faulty.lse})) << static_cast<int>(fault);
      }
    };
    found(causal, F::kCausalEarly);
    found(causal, F::kCausalLate);
    found(window, F::kWindowLeftEarly);
    found(window, F::kWindowLeftLate);
    found(window, F::kWindowRightEarly);
    found(window, F::kWindowRightLate);
    for (const F fault : {F::kLengthShort, F::kScale, F::kSwappedValues, F::kMissedRescale})
      found(plain, fault);
  }
}

TEST_P(AttentionMask, RowsThatSeeNothingAreZeroAndMinusInfinity) {
  const OptionScope kernel("attention.kernel", GetParam());
  for (const bool sinks : {false, true}) {
    AttentionSetup s;
    s.causal = s.lse = true;
    s.sinks = sinks;
    s.q_lengths = {799};
    s.k_lengths = {3};
    s.d_qk = s.d_v = 8;
    AttentionCase attention(s);
    ASSERT_TRUE(attention.run_and_check());
    EXPECT_EQ(attention.o()[0], 0);
    const double lse = attention.lse()[0];
    EXPECT_TRUE(sinks ? std::isfinite(lse) : lse == -INFINITY) << lse;
  }
}

// Values and scores as large as the type allows behind the mask; NaN behind the sequence (seqused).
TEST_P(AttentionMask, MaskedKeysMayHoldAnyFiniteValue) {
  const OptionScope kernel("attention.kernel", GetParam());
  for (const int32_t dtype : {WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16}) {
    const double largest = dtype == WL_DTYPE_FLOAT16 ? 65504 : 0x1.fep127;
    for (const float softcap : {0.0f, 8.0f}) {
      AttentionSetup s;
      s.q_dtype = s.kv_dtype = s.o_dtype = dtype;
      s.causal = s.lse = s.seqused = s.alibi = true;
      s.softcap = softcap;
      s.q_lengths = {9};
      s.k_lengths = {300};
      AttentionCase attention(s);
      ASSERT_EQ(attention.run(), WL_STATUS_OK);
      const auto clean = attention.bytes();
      // The last keys, which only the last query sees.
      for (int64_t h = 0; h < 2; ++h) {
        for (int64_t d = 0; d < 32; ++d) {
          attention.set_k(0, 299, h, d, d % 2 ? largest : -largest);
          attention.set_v(0, 299, h, d, largest);
        }
      }
      ASSERT_EQ(attention.run(), WL_STATUS_OK);
      const auto planted = attention.bytes();
      const size_t rows_seen_by_none = static_cast<size_t>(8 * 2 * 32 * element_size(dtype));
      EXPECT_TRUE(std::equal(clean.begin(), clean.begin() + static_cast<int64_t>(rows_seen_by_none),
                             planted.begin()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, AttentionMask, testing::Values("tiles", "split"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace wl::test
