// The generator against its published vectors, and the selections against a full sort.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "cpu/rows.h"
#include "cpu/sampling/passes.h"
#include "cpu/sampling/philox.h"
#include "cpu/sampling/select.h"
#include "support/tensors.h"

namespace wl::test {
namespace {

using Words = std::array<uint32_t, 4>;

// The known answers that the authors publish with Random123 (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(cpu::philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(cpu::philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(cpu::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, UniformsLieInsideTheUnitInterval) {
  double sum = 0;
  for (uint64_t position = 0; position < 10000; ++position) {
    const double u = cpu::philox_uniform(42, position);
    ASSERT_GT(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.01);
}

std::vector<uint64_t> sorted_keys(const std::vector<float>& values, int64_t n) {
  std::vector<uint64_t> keys;
  for (int64_t i = 0; i < n; ++i) keys.push_back(cpu::token_key(values[static_cast<size_t>(i)], i));
  std::sort(keys.begin(), keys.end(), std::greater<>());
  return keys;
}

// Rows in random, rising, falling and constant order, and of few different values.
std::vector<std::vector<float>> rows(int64_t n) {
  Random random(8);
  std::vector<std::vector<float>> result(5,
                                         std::vector<float>(static_cast<size_t>(cpu::padded(n)), -INFINITY));
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i);
    result[0][at] = static_cast<float>(random.normal());
    result[1][at] = static_cast<float>(i);
    result[2][at] = static_cast<float>(-i);
    result[3][at] = 1;
    result[4][at] = static_cast<float>(random.integer(-2, 2));
  }
  return result;
}

TEST(Select, TopKEqualsAFullSort) {
  for (const bool avx512 : {false, true}) {
    if (avx512 && !cpu::use_avx512()) continue;
    for (const int64_t n : {2, 17, 5000, 40001}) {
      for (const std::vector<float>& values : rows(n)) {
        const std::vector<uint64_t> expected = sorted_keys(values, n);
        for (const int64_t k : {int64_t{1}, int64_t{2}, int64_t{50}, int64_t{600}, n / 2, n - 1}) {
          if (k < 1 || k >= n) continue;
          std::vector<uint64_t> keys(static_cast<size_t>(cpu::padded(n) + 16));
          const int64_t count =
              cpu::select_top_k(cpu::sampling_passes(avx512), values.data(), n, k, keys.data());
          ASSERT_EQ(count, k);
          keys.resize(static_cast<size_t>(k));
          std::sort(keys.begin(), keys.end(), std::greater<>());
          ASSERT_TRUE(std::equal(keys.begin(), keys.end(), expected.begin())) << "n " << n << " k " << k;
        }
      }
    }
  }
}

TEST(Select, MassEqualsAFullSort) {
  for (const int64_t n : {1, 63, 64, 65, 3000}) {
    for (const std::vector<float>& values : rows(n)) {
      Random random(3);
      std::vector<float> weights(static_cast<size_t>(n));
      double total = 0;
      for (float& w : weights) total += w = static_cast<float>(random.integer(1, 9));  // sums are exact
      for (const double share : {1e-9, 0.3, 0.5, 0.999}) {
        const std::vector<uint64_t> sorted = sorted_keys(values, n);
        double before = 0;
        size_t last = 0;
        for (size_t i = 0; i < sorted.size() && before < share * total; ++i) {
          before += static_cast<double>(weights[static_cast<size_t>(cpu::key_id(sorted[i]))]);
          last = i;
        }
        std::vector<uint64_t> keys = sorted;
        std::reverse(keys.begin(), keys.end());
        const cpu::Boundary got = cpu::select_mass(keys.data(), n, weights.data(), share * total);
        ASSERT_EQ(got.id, cpu::key_id(sorted[last])) << "n " << n << " share " << share;
        ASSERT_EQ(got.value, cpu::key_value(sorted[last]));
      }
    }
  }
}

}  // namespace
}  // namespace wl::test
