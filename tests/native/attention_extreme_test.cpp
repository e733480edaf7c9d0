// Attention at the ends of float32's range: scores so large that rounding a product moves them by more than a softmax
// can show, and blocks of keys whose scores are all -infinity.
#include <gtest/gtest.h>
#include <warpline/attention.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/tensors.h"

namespace wl::test {
namespace {

struct Result {
  std::vector<double> o, lse;
};

// One head, dense, no mask.
Result attend(int64_t d, const std::vector<double>& q, const std::vector<double>& k,
              const std::vector<double>& v, double slope = 0) {
  const auto rows = static_cast<int64_t>(q.size()) / d, keys = static_cast<int64_t>(k.size()) / d;
  const Buffer query = Buffer::floats(WL_DTYPE_FLOAT32, {1, rows, 1, d}, q);
  const Buffer key = Buffer::floats(WL_DTYPE_FLOAT32, {1, keys, 1, d}, k);
  const Buffer value = Buffer::floats(WL_DTYPE_FLOAT32, {1, keys, 1, 1}, v);
  const Buffer o(WL_DTYPE_FLOAT32, {1, rows, 1, 1}), lse(WL_DTYPE_FLOAT32, {1, 1, rows});
  const Buffer slopes = Buffer::floats(WL_DTYPE_FLOAT32, {1}, {slope});
  wl_attention_params p{};
  p.struct_size = sizeof p;
  p.q = query.view();
  p.k = key.view();
  p.v = value.view();
  p.o = o.view();
  p.lse = lse.view();
  if (slope != 0) p.alibi_slopes = slopes.view();
  EXPECT_EQ(wl_attention(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return {o.values(), lse.values()};
}

class AttentionExtreme : public testing::TestWithParam<const char*> {
 protected:
  template <class Check>
  void under_each_set(Check&& check) {
    for (const std::string& set : instruction_sets()) {
      SCOPED_TRACE(set);
      const OptionScope isa("cpu_isa", set), kernel("attention.kernel", GetParam());
      check();
    }
  }
};

TEST_P(AttentionExtreme, OneKeyWithAHugeScoreIsTheWholeSoftmax) {
  under_each_set([] {
    for (const int64_t d : {64, 80, 96, 128}) {
      for (const double amplitude : {2e4, 3e4, 5e4, 1e6}) {
        const std::vector<double> same(static_cast<size_t>(d), amplitude);
        const Result r = attend(d, same, same, {1});
        const double score = std::sqrt(static_cast<double>(d)) * amplitude * amplitude;
        EXPECT_EQ(r.o[0], 1.0) << d << ", " << amplitude;
        EXPECT_NEAR(r.lse[0], score, score * 1e-5) << d << ", " << amplitude;
      }
    }
  });
}

TEST_P(AttentionExtreme, HugeScoresGiveAMeanOfValues) {
  under_each_set([] {
    Random random(7);
    for (const double amplitude : {5.4e4, 1.6e5}) {
      const Result r =
          attend(128, random.normals(200 * 128, amplitude), random.normals(64 * 128, amplitude), [&] {
            std::vector<double> v(64);
            for (double& value : v) value = random.uniform(1, 2);
            return v;
          }());
      for (size_t i = 0; i < r.o.size(); ++i) {
        ASSERT_TRUE(r.o[i] >= 1 && r.o[i] <= 2) << "row " << i << " is " << r.o[i];
        ASSERT_TRUE(std::isfinite(r.lse[i])) << "row " << i;
      }
    }
  });
}

TEST_P(AttentionExtreme, ABlockOfMinusInfinityCountsForNothing) {
  under_each_set([] {
    const std::vector<double> q(64, 1e20);
    std::vector<double> k(300 * 64, 0), v(300);
    std::fill(k.begin(), k.begin() + 256 * 64, -1e20);
    double sum = 0;
    for (size_t i = 0; i < v.size(); ++i) {
      v[i] = static_cast<double>(i);
      if (i >= 256) sum += v[i];
    }
    const Result r = attend(64, q, k, v);
    EXPECT_NEAR(r.o[0], sum / 44, 1e-4);
    EXPECT_NEAR(r.lse[0], std::log(44.0), 1e-5);

    // All blocks: a row without a score above -infinity attends nothing.
    std::fill(k.begin(), k.end(), -1e20);
    const Result nothing = attend(64, q, k, v);
    EXPECT_EQ(nothing.o[0], 0);
    EXPECT_EQ(nothing.lse[0], -INFINITY);
  });
}

TEST_P(AttentionExtreme, ASteepSlopeLeavesTheNearestKey) {
  under_each_set([] {
    const std::vector<double> q(64, 1), k(600 * 64, 0);
    std::vector<double> v(600);
    for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<double>(i);
    EXPECT_EQ(attend(64, q, k, v, 1e36).o[0], 599);
  });
}

TEST_P(AttentionExtreme, ANaNScoreIsNotHidden) {
  under_each_set([] {
    std::vector<double> k(300 * 64, -1e20);
    k[5 * 64] = NAN;
    EXPECT_TRUE(std::isnan(attend(64, std::vector<double>(64, 1e20), k, std::vector<double>(300, 1)).o[0]));
  });
}

INSTANTIATE_TEST_SUITE_P(Kernels, AttentionExtreme, testing::Values("tiles", "split"));

}  // namespace
}  // namespace wl::test
