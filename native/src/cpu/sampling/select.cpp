#include "cpu/sampling/select.h"

#include <algorithm>
#include <functional>

#include "cpu/sampling/passes.h"

namespace wl::cpu {

int64_t select_top_k(const SamplingPasses& passes, const float* values, int64_t n, int64_t k,
                     uint64_t* keys) {
  // Twice k candidates are gathered, then cut to the best k, whose last is the bar for those that follow: it
  // rises fast, so that nearly all of a row fails at the first comparison. Ids rise, so an equal value later
  // in the row never belongs to the best.
  constexpr int64_t kLeastRoom = 1024, kSlack = 16;
  const int64_t capacity = k > n / 2 ? n + kSlack : std::min(n, std::max(2 * k, kLeastRoom)) + kSlack;
  float bar = -std::numeric_limits<float>::infinity();
  int64_t count = 0;
  for (int64_t position = 0; position < n;) {
    count = passes.collect(values, values, bar, n, &position, keys, count, capacity);
    if (count <= k) continue;
    std::nth_element(keys, keys + (k - 1), keys + count, std::greater<>());
    count = k;
    bar = key_value(keys[k - 1]);
  }
  return count;
}

Boundary lowest(const uint64_t* keys, int64_t count) {
  const uint64_t key = *std::min_element(keys, keys + count);
  return {key_value(key), key_id(key)};
}

Boundary select_mass(uint64_t* keys, int64_t count, const float* weights, double mass) {
  // Halves the range that holds the boundary: the better half stays in play if it holds the mass, else it is
  // counted and left behind.
  constexpr int64_t kSortable = 64;
  const auto weight = [&](uint64_t key) { return static_cast<double>(weights[key_id(key)]); };
  double before = 0;
  int64_t begin = 0, end = count;
  while (end - begin > kSortable) {
    const int64_t middle = begin + (end - begin) / 2;
    std::nth_element(keys + begin, keys + middle, keys + end, std::greater<>());
    double half = 0;
    for (int64_t i = begin; i < middle; ++i) half += weight(keys[i]);
    if (before + half >= mass) {
      end = middle;
    } else {
      before += half;
      begin = middle;
    }
  }
  std::sort(keys + begin, keys + end, std::greater<>());
  int64_t last = begin;
  for (int64_t i = begin; i < end && before < mass; ++i) {
    before += weight(keys[i]);
    last = i;
  }
  return {key_value(keys[last]), key_id(keys[last])};
}

}  // namespace wl::cpu
