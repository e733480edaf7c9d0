// The rules of wl_sample at its edges: ties, elements that may not be chosen, infinities, greedy.
#include <gtest/gtest.h>
#include <warpline/sampling.h>

#include <cmath>
#include <set>
#include <string>

#include "support/matrix.h"

namespace wl::test {
namespace {

// The tokens that 2,000 draws from one row reach.
std::set<int> reached(const std::vector<double>& logits, wl_sampling_row s) {
  constexpr int64_t kDraws = 2000;
  const auto columns = static_cast<int64_t>(logits.size());
  const Matrix one = Matrix::of(WL_DTYPE_FLOAT32, 1, columns, logits);
  std::vector<wl_sampling_row> settings;
  for (int64_t i = 0; i < kDraws; ++i) {
    s.position = static_cast<uint64_t>(i);
    settings.push_back(s);
  }
  Buffer ids(WL_DTYPE_INT32, {kDraws});
  wl_sample_params p{};
  p.struct_size = sizeof p;
  p.logits = one.view();
  p.logits.shape[0] = kDraws;
  p.logits.strides[0] = 0;
  p.settings = settings.data();
  p.settings_count = settings.size();
  p.ids = ids.view();
  EXPECT_EQ(wl_sample(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  std::set<int> tokens;
  for (int64_t i = 0; i < kDraws; ++i) tokens.insert(static_cast<int>(ids.get(i)));
  return tokens;
}

TEST(SampleRules, TiesAtABoundaryStayByLowerId) {
  const std::vector<double> logits = {1, 2, 2, 0, 2, 2, -1};
  wl_sampling_row s{};
  s.top_k = 3;
  EXPECT_EQ(reached(logits, s), (std::set<int>{1, 2, 4}));
  s.top_k = 0;
  s.top_p = 0.4f;  // four equal tokens of about 0.22 each: two are enough
  EXPECT_EQ(reached(logits, s), (std::set<int>{1, 2}));
  // Zeros of both signs are equal.
  s.top_p = 0;
  s.top_k = 1;
  EXPECT_EQ(reached({-3, -0.0, 0.0, -0.0}, s), (std::set<int>{1}));
}

TEST(SampleRules, MinPKeepsEqualsAndTopPKeepsAtLeastOne) {
  wl_sampling_row s{};
  s.min_p = 1;
  EXPECT_EQ(reached({5, 4.999, 5, 1}, s), (std::set<int>{0, 2}));
  s.min_p = 0;
  s.top_p = 1e-30f;
  EXPECT_EQ(reached({1, 3, 2}, s), (std::set<int>{1}));
}

TEST(SampleRules, WhatMayNotBeChosenIsNot) {
  const double none = -INFINITY;
  wl_sampling_row s{};
  s.temperature = 100;
  EXPECT_EQ(reached({NAN, 1, none, 2, NAN}, s), (std::set<int>{1, 3}));
  s.top_k = 4;
  EXPECT_EQ(reached({NAN, 1, none, 2, NAN}, s), (std::set<int>{1, 3}));
  s.top_p = 0.999f;
  EXPECT_EQ(reached({NAN, 1, none, 2, NAN}, s), (std::set<int>{1, 3}));
}

TEST(SampleRules, InfiniteLogitsShareAllTheProbability) {
  const double infinity = INFINITY;
  EXPECT_EQ(reached({5, infinity, 3, infinity}, {}), (std::set<int>{1, 3}));
}

TEST(SampleRules, ATinyTemperatureIsGreedyWithoutOverflow) {
  wl_sampling_row s{};
  s.temperature = 1e-38f;
  EXPECT_EQ(reached({30, 31, 29}, s), (std::set<int>{1}));
}

#if !defined(WL_TEST_ON_DEVICE)  // such a row gets -1 there
TEST(SampleRules, ARowWithNothingToChooseIsAnErrorAndWritesNothing) {
  Matrix logits = Matrix::of(WL_DTYPE_FLOAT32, 3, 4, std::vector<double>(12, 1));
  for (int64_t c = 0; c < 4; ++c) logits.set(2, c, c % 2 ? NAN : -INFINITY);
  const std::vector<wl_sampling_row> settings(3);
  Buffer ids(WL_DTYPE_INT32, {3});
  const std::vector<double> before = ids.values();
  wl_sample_params p{};
  p.struct_size = sizeof p;
  p.logits = logits.view();
  p.settings = settings.data();
  p.settings_count = 3;
  p.ids = ids.view();
  EXPECT_EQ(wl_sample(&p, nullptr), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(),
               "wl_sample: logits[2] is NaN or -infinity throughout; must be a row with a token to choose");
  EXPECT_EQ(ids.values(), before);
}
#endif

TEST(SampleRules, TheSameSeedAndPositionGiveTheSameTokenInAnyBatch) {
  Random random(9);
  const Matrix logits = Matrix::of(WL_DTYPE_BFLOAT16, 64, 999, random.normals(64 * 999, 2));
  std::vector<wl_sampling_row> settings(64);
  for (size_t i = 0; i < settings.size(); ++i) {
    settings[i].seed = 7;
    settings[i].position = i;
    settings[i].top_p = 0.9f;
  }
  Buffer all(WL_DTYPE_INT32, {64}), one(WL_DTYPE_INT32, {1});
  wl_sample_params p{};
  p.struct_size = sizeof p;
  p.logits = logits.view();
  p.settings = settings.data();
  p.settings_count = 64;
  p.ids = all.view();
  ASSERT_EQ(wl_sample(&p, nullptr), WL_STATUS_OK);
  EXPECT_EQ(std::string(wl_last_kernel()).rfind("sampling.sample.", 0), 0u) << wl_last_kernel();
  p.logits.shape[0] = 1;
  p.logits.data = static_cast<uint16_t*>(p.logits.data) + 40 * 999;
  p.settings = &settings[40];
  p.settings_count = 1;
  p.ids = one.view();
  ASSERT_EQ(wl_sample(&p, nullptr), WL_STATUS_OK);
  EXPECT_EQ(one.get(0), all.get(40));
}

}  // namespace
}  // namespace wl::test
