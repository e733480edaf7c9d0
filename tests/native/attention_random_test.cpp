// Seeded random attention calls: every combination of what the op offers turns up, each pair of features at least
// three times.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "support/attention_case.h"

namespace wl::test {
namespace {

// Sanitised builds are slower, and so is an emulated device.
#if defined(WL_TEST_ON_DEVICE)
constexpr int kCalls = 200;
#elif defined(__SANITIZE_ADDRESS__)
constexpr int kCalls = 300;
#else
constexpr int kCalls = 2000;
#endif

// On a device keys have the type of q.
#if defined(WL_TEST_ON_DEVICE)
constexpr bool kMixesTypes = false;
#else
constexpr bool kMixesTypes = true;
#endif

constexpr std::array<const char*, 16> kFeatures = {
    "causal", "window",   "alibi",    "softcap", "sinks",  "lse",       "groups",  "d_qk != d_v",
    "scale",  "packed q", "packed k", "seqused", "16-bit", "o float32", "strides", "empty sequence"};
using Features = std::array<bool, kFeatures.size()>;

Features features_of(const AttentionSetup& s) {
  bool empty = false;
  for (const int64_t n : s.q_lengths) empty |= n == 0;
  for (const int64_t n : s.k_lengths) empty |= n == 0;
  return {s.causal,
          s.window,
          s.alibi,
          s.softcap != 0,
          s.sinks,
          s.lse,
          s.q_heads != s.k_heads,
          s.d_qk != s.d_v,
          s.scale != 0,
          s.q_packed,
          s.k_packed,
          s.seqused,
          s.kv_dtype != WL_DTYPE_FLOAT32,
          s.o_dtype != s.q_dtype,
          s.layout != AttentionLayout::kContiguous,
          empty};
}

AttentionSetup random_setup(uint64_t seed) {
  Random random(seed);
  const auto one_in = [&](int64_t n) { return random.integer(1, n) == 1; };
  const auto any_type = [&] {
    return static_cast<int32_t>(random.integer(WL_DTYPE_FLOAT32, WL_DTYPE_BFLOAT16));
  };
  // Mostly short, sometimes past a tile or a block.
  const auto length = [&](int64_t longest) {
    return one_in(12) ? 0 : random.integer(1, one_in(5) ? longest : longest / 10);
  };
  AttentionSetup s;
  s.seed = seed;
  s.q_dtype = any_type();
  s.kv_dtype = kMixesTypes && s.q_dtype == WL_DTYPE_FLOAT32 && one_in(2) ? any_type() : s.q_dtype;
  s.o_dtype = one_in(3) ? int32_t{WL_DTYPE_FLOAT32} : s.q_dtype;
  s.q_packed = one_in(2);
  s.k_packed = one_in(2);
  s.seqused = !s.k_packed && one_in(2);
  const int64_t batch = random.integer(1, 4);
  s.q_lengths.assign(static_cast<size_t>(batch), length(150));
  s.k_lengths.assign(static_cast<size_t>(batch), length(600));
  if (s.q_packed) {
    for (int64_t& n : s.q_lengths) n = length(150);
  }
  if (s.k_packed || s.seqused) {
    for (int64_t& n : s.k_lengths) n = length(600);
  }
  s.k_heads = random.integer(1, 3);
  s.q_heads = s.k_heads * (one_in(2) ? 1 : random.integer(2, 5));
  s.d_qk = random.integer(1, one_in(4) ? 160 : 48);
  s.d_v = one_in(2) ? s.d_qk : random.integer(1, 80);
  s.causal = one_in(2);
  s.window = one_in(2);
  s.window_left = one_in(4) ? -1 : random.integer(0, 60);
  s.window_right = one_in(4) ? -1 : random.integer(0, 60);
  s.alibi = one_in(2);
  s.alibi_per_sequence = one_in(2);
  s.sinks = one_in(2);
  s.lse = one_in(2);
  s.softcap = one_in(2) ? static_cast<float>(random.uniform(2, 30)) : 0.0f;
  s.scale = one_in(2) ? static_cast<float>(random.uniform(-0.3, 0.3)) : 0.0f;
  s.layout = static_cast<AttentionLayout>(random.integer(0, 3));
  return s;
}

TEST(AttentionRandom, CallsAgreeWithTheReference) {
  std::array<std::array<int, kFeatures.size()>, kFeatures.size()> pairs{};
  // ./build.sh test --full
  const int calls = std::getenv("WARPLINE_TEST_FULL") != nullptr ? 10 * kCalls : kCalls;
  for (int call = 0; call < calls; ++call) {
    const AttentionSetup setup = random_setup(static_cast<uint64_t>(call));
    AttentionCase attention(setup);
    const char* kernel = call % 3 == 0 ? "auto" : call % 3 == 1 ? "tiles" : "split";
    const OptionScope kernel_scope("attention.kernel", kernel);
    ASSERT_TRUE(attention.run_and_check()) << "call " << call << " " << kernel;
    const Features features = features_of(setup);
    for (size_t a = 0; a < kFeatures.size(); ++a) {
      for (size_t b = 0; b < kFeatures.size(); ++b) pairs[a][b] += features[a] && features[b];
    }
  }
  std::ostringstream table;
  bool covered = true;
  for (size_t a = 0; a < kFeatures.size(); ++a) {
    table << kFeatures[a] << ":";
    for (size_t b = 0; b < kFeatures.size(); ++b) {
      table << " " << pairs[a][b];
      // Packed keys have offsets in place of lengths in use.
      const bool excluded = (kFeatures[a] == kFeatures[10] && kFeatures[b] == kFeatures[11]) ||
                            (kFeatures[a] == kFeatures[11] && kFeatures[b] == kFeatures[10]);
      covered &= pairs[a][b] >= 3 || excluded;
    }
    table << "\n";
  }
  std::cout << calls << " calls; pairs of features:\n" << table.str();
  EXPECT_TRUE(covered);
}

}  // namespace
}  // namespace wl::test
