// wl_argmax and wl_sample against a reference that sorts the whole row in double precision.
#include <gtest/gtest.h>
#include <warpline/sampling.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "support/matrix.h"

namespace wl::test {
namespace {

// ---- argmax

int32_t argmax_formula(const Matrix& x, int64_t r) {
  int64_t best = -1;
  for (int64_t c = 0; c < x.columns(); ++c) {
    if (!std::isnan(x.get(r, c)) && (best < 0 || x.get(r, c) > x.get(r, best))) best = c;
  }
  return static_cast<int32_t>(std::max<int64_t>(best, 0));
}

TEST(Argmax, EveryTypeAndSizeWithTiesAndNaN) {
  Random random(1);
  for (const int32_t type : kFloatTypes) {
    for (const int64_t columns : {1, 15, 16, 17, 31, 4097}) {
      Matrix x = Matrix::of(type, 60, columns, random.normals(60 * columns, 3), 3);
      for (int64_t r = 0; r < 60; ++r) {
        if (r % 4 == 1) x.set(r, columns - 1, 1000);                              // the last element wins
        for (int64_t c = 0; c < columns && r % 4 == 2; c += 3) x.set(r, c, 500);  // ties
        for (int64_t c = 0; c < columns && r % 5 == 3; c += 2) x.set(r, c, NAN);  // never chosen
        for (int64_t c = 0; c < columns && r == 7; ++c) x.set(r, c, NAN);         // gives 0
        for (int64_t c = 0; c < columns && r == 9; ++c) x.set(r, c, c == 0 ? NAN : -INFINITY);
      }
      Buffer ids(WL_DTYPE_INT32, {60});
      wl_argmax_params p{};
      p.struct_size = sizeof p;
      p.logits = x.view();
      p.ids = ids.view();
      for_each_setting(
          [&] {
            ids.poison();
            ASSERT_EQ(wl_argmax(&p, nullptr), WL_STATUS_OK) << wl_last_error();
          },
          [&] { return ids.bytes(); },
          [&] {
            for (int64_t r = 0; r < 60; ++r) EXPECT_EQ(ids.get(r), argmax_formula(x, r)) << "row " << r;
            EXPECT_TRUE(ids.guards_intact());
          });
      if (HasFailure()) return;
    }
  }
}

// ---- sample

// An independent Philox4x32-10, by the formulas of the paper.
double uniform(uint64_t seed, uint64_t position) {
  uint32_t c0 = static_cast<uint32_t>(position), c1 = static_cast<uint32_t>(position >> 32), c2 = 0, c3 = 0;
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
    const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0,
                   n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return (static_cast<double>(c0) + 0.5) / 4294967296.0;
}

struct Distribution {
  std::vector<double> probabilities;  // after the filters; zero for what is dropped
  int32_t largest = -1;               // what greedy chooses
  double log_sum = 0;                 // of the logits as given
};

enum class Mutant { kNone, kTopKOneMore, kTopPBeforeTemperature, kPenaltyPerOccurrence };

// Hugging Face's processors one after the other, each on a whole sorted row.
Distribution distribution(std::vector<double> logits, const wl_sampling_row& s,
                          const std::vector<int32_t>& history, Mutant mutant = Mutant::kNone) {
  Distribution d;
  for (double& l : logits) l = std::isnan(l) ? -INFINITY : l;
  for (const double l : logits) d.log_sum += std::exp(l);
  d.log_sum = std::log(d.log_sum);
  std::map<int32_t, int> counts;
  for (const int32_t id : history) ++counts[id];
  for (const auto& [id, count] : counts) {
    double& l = logits[static_cast<size_t>(id)];
    const double repetition = s.repetition_penalty == 0 ? 1 : static_cast<double>(s.repetition_penalty);
    const int times = mutant == Mutant::kPenaltyPerOccurrence ? count : 1;
    for (int i = 0; i < times; ++i) l = l > 0 ? l / repetition : l * repetition;
    l -= static_cast<double>(s.frequency_penalty) * count + static_cast<double>(s.presence_penalty);
  }
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  const double top = logits[static_cast<size_t>(order[0])];
  d.largest = top == -INFINITY ? -1 : order[0];
  std::vector<double> weights;  // in order
  const double temperature = s.temperature == 0 ? 1 : static_cast<double>(s.temperature);
  const double early = mutant == Mutant::kTopPBeforeTemperature ? 1 : temperature;
  for (const int32_t id : order) weights.push_back(std::exp((logits[static_cast<size_t>(id)] - top) / early));
  size_t kept = weights.size();
  if (s.top_k > 0)
    kept = std::min<size_t>(kept, static_cast<size_t>(s.top_k) + (mutant == Mutant::kTopKOneMore));
  if (s.top_p > 0 && s.top_p < 1) {
    const double total = std::accumulate(weights.begin(), weights.begin() + static_cast<int64_t>(kept), 0.0);
    double before = 0;
    size_t i = 0;
    for (; i < kept && before < static_cast<double>(s.top_p) * total; ++i) before += weights[i];
    kept = i;
  }
  d.probabilities.resize(logits.size());
  double sum = 0;
  for (size_t i = 0; i < kept; ++i) {
    const double w = std::exp((logits[static_cast<size_t>(order[i])] - top) / temperature);
    if (w < static_cast<double>(s.min_p)) break;
    d.probabilities[static_cast<size_t>(order[i])] = w;
    sum += w;
  }
  for (double& p : d.probabilities) p /= sum;
  return d;
}

// The token at u; `margin` tells how far u is from the nearest change of token.
int32_t drawn(const Distribution& d, double u, double* margin) {
  double before = 0;
  int32_t last = -1;
  for (size_t i = 0; i < d.probabilities.size(); ++i) {
    if (d.probabilities[i] == 0) continue;
    last = static_cast<int32_t>(i);
    const double after = before + d.probabilities[i];
    *margin = std::min(std::fabs(u - before), std::fabs(after - u));
    if (after > u) return last;
    before = after;
  }
  return last;
}

struct Batch {
  Matrix logits;
  std::vector<wl_sampling_row> settings;
  std::vector<std::vector<int32_t>> histories;  // empty: none given
};

struct Result {
  std::vector<double> ids, log_probabilities;
};

Result run(const Batch& b) {
  const int64_t rows = b.logits.rows();
  std::vector<int32_t> history, offsets = {0};
  for (const auto& h : b.histories) {
    history.insert(history.end(), h.begin(), h.end());
    offsets.push_back(static_cast<int32_t>(history.size()));
  }
  const Buffer history_buffer = Buffer::ints({static_cast<int64_t>(history.size())}, history);
  const Buffer offset_buffer = Buffer::ints({static_cast<int64_t>(offsets.size())}, offsets);
  Buffer ids(WL_DTYPE_INT32, {rows}), log_probabilities(WL_DTYPE_FLOAT32, {rows});
  wl_sample_params p{};
  p.struct_size = sizeof p;
  p.logits = b.logits.view();
  p.settings = b.settings.data();
  p.settings_count = b.settings.size();
  p.ids = ids.view();
  p.log_probabilities = log_probabilities.view();
  if (!b.histories.empty()) {
    p.history = history_buffer.view();
    p.history_offsets = offset_buffer.view();
  }
  for_each_setting(
      [&] {
        ids.poison();
        log_probabilities.poison();
        ASSERT_EQ(wl_sample(&p, nullptr), WL_STATUS_OK) << wl_last_error();
      },
      [&] {
        std::vector<unsigned char> bytes = ids.bytes(), more = log_probabilities.bytes();
        bytes.insert(bytes.end(), more.begin(), more.end());
        return bytes;
      },
      [&] { EXPECT_TRUE(ids.guards_intact() && log_probabilities.guards_intact()); });
  return {ids.values(), log_probabilities.values()};
}

std::vector<double> row_of(const Matrix& m, int64_t r) {
  std::vector<double> values;
  for (int64_t c = 0; c < m.columns(); ++c) values.push_back(m.get(r, c));
  return values;
}

// Rows that differ from the reference though u is not within rounding of a boundary.
int mismatches(const Batch& b, const Result& got, Mutant mutant = Mutant::kNone, double close = 1e-5) {
  int wrong = 0, undecided = 0;
  for (int64_t r = 0; r < b.logits.rows(); ++r) {
    const auto i = static_cast<size_t>(r);
    const Distribution d =
        distribution(row_of(b.logits, r), b.settings[i],
                     b.histories.empty() ? std::vector<int32_t>{} : b.histories[i], mutant);
    double margin = 1;
    const int32_t expected = b.settings[i].greedy
                                 ? d.largest
                                 : drawn(d, uniform(b.settings[i].seed, b.settings[i].position), &margin);
    if (margin < close) {
      ++undecided;
    } else if (got.ids[i] != expected) {
      ++wrong;
    }
    const double log_probability = b.logits.get(r, static_cast<int64_t>(got.ids[i])) - d.log_sum;
    if (mutant == Mutant::kNone) {
      EXPECT_NEAR(got.log_probabilities[i], log_probability,
                  1e-5 * std::max(1.0, std::fabs(log_probability)));
    }
  }
  EXPECT_LT(undecided, 1 + b.logits.rows() / 20);
  return wrong;
}

wl_sampling_row random_setting(Random& random, bool penalties) {
  wl_sampling_row s{};
  const auto pick = [&](float value) { return random.integer(0, 1) ? value : 0; };
  s.temperature = pick(static_cast<float>(random.uniform(0.2, 3)));
  s.top_k = static_cast<int32_t>(pick(1) * static_cast<float>(random.integer(1, 40)));
  s.top_p = pick(static_cast<float>(random.uniform(0.05, 0.99)));
  s.min_p = pick(static_cast<float>(random.uniform(0.001, 0.2)));
  if (penalties) {
    s.repetition_penalty = pick(static_cast<float>(random.uniform(0.7, 2)));
    s.frequency_penalty = pick(static_cast<float>(random.uniform(-0.5, 1.5)));
    s.presence_penalty = pick(static_cast<float>(random.uniform(-0.5, 1.5)));
  }
  s.greedy = random.integer(0, 9) == 0;
  s.seed = random.next();
  s.position = random.integer(0, 1) ? random.next() : static_cast<uint64_t>(random.integer(0, 1000));
  return s;
}

Batch random_batch(Random& random, int32_t type, int64_t rows, int64_t columns, bool penalties) {
  Batch b;
  b.logits = Matrix::of(type, rows, columns, random.normals(rows * columns, 3), 5);
  for (int64_t r = 0; r < rows; ++r) {
    b.settings.push_back(random_setting(random, penalties));
    // Some elements that may never be chosen, but not all.
    for (int64_t c = 1; c < columns && r % 3 == 0; c += 4) b.logits.set(r, c, c % 8 == 1 ? NAN : -INFINITY);
    if (!penalties) continue;
    std::vector<int32_t> history(static_cast<size_t>(r % 5 == 0 ? 0 : random.integer(0, 60)));
    for (int32_t& id : history)
      id = static_cast<int32_t>(random.integer(0, std::min<int64_t>(columns, 50) - 1));
    b.histories.push_back(history);
  }
  return b;
}

TEST(Sample, EveryTypeAndSizeUnderRandomSettings) {
  Random random(2);
  for (const int32_t type : kFloatTypes) {
    for (const int64_t columns : {1, 15, 16, 17, 31, 1025, 4097}) {
      for (const bool penalties : {false, true}) {
        SCOPED_TRACE(std::string(dtype_name(type)) + " columns " + std::to_string(columns));
        const Batch b = random_batch(random, type, 80, columns, penalties);
        EXPECT_EQ(mismatches(b, run(b)), 0);
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Sample, TheReferenceSeesMutants) {
  Random random(3);
  Batch b = random_batch(random, WL_DTYPE_FLOAT32, 400, 30, true);
  for (wl_sampling_row& s : b.settings) {
    s.greedy = 0;
    s.temperature = 2;
    s.top_k = 12;
    s.top_p = 0.8f;
    s.min_p = 0;
    s.repetition_penalty = 1.5f;
  }
  const Result got = run(b);
  EXPECT_EQ(mismatches(b, got), 0);
  EXPECT_GT(mismatches(b, got, Mutant::kTopKOneMore), 5);
  EXPECT_GT(mismatches(b, got, Mutant::kTopPBeforeTemperature), 5);
  EXPECT_GT(mismatches(b, got, Mutant::kPenaltyPerOccurrence), 5);
}

TEST(Sample, ALargeVocabulary) {
  Random random(4);
  Batch b;
  constexpr int64_t kColumns = 128256;
  b.logits = Matrix::of(WL_DTYPE_FLOAT32, 32, kColumns, random.normals(32 * kColumns, 2));
  const struct {
    float temperature, top_p, min_p;
    int32_t top_k;
  } rows[] = {{1, 0, 0, 0},      {1, 0, 0, 50},      {0.7f, 0.9f, 0, 0},  {1, 0.95f, 0, 1000},
              {1, 0, 0, 100000}, {50, 0.999f, 0, 0}, {1.5f, 0, 0.05f, 0}, {100, 0.5f, 0, 90000}};
  for (int i = 0; i < 32; ++i) {
    const auto& row = rows[i % 8];
    wl_sampling_row s{};
    s.temperature = row.temperature;
    s.top_p = row.top_p;
    s.min_p = row.min_p;
    s.top_k = row.top_k;
    s.seed = random.next();
    b.settings.push_back(s);
  }
  EXPECT_EQ(mismatches(b, run(b), Mutant::kNone, 3e-7), 0);
}

// Pearson's statistic over many draws from one row, which all rows share by a zero stride.
TEST(Sample, FrequenciesFollowTheDistribution) {
  constexpr int64_t kDraws = 40000, kColumns = 40;
  Random random(5);
  const Matrix one = Matrix::of(WL_DTYPE_FLOAT32, 1, kColumns, random.normals(kColumns, 1.5));
  for (const auto& [top_k, top_p, temperature] :
       {std::tuple{0, 0.0f, 1.0f}, std::tuple{20, 0.0f, 0.7f}, std::tuple{0, 0.9f, 1.3f}}) {
    wl_sampling_row s{};
    s.top_k = top_k;
    s.top_p = top_p;
    s.temperature = temperature;
    s.seed = 20261124;
    std::vector<wl_sampling_row> settings(kDraws, s);
    for (size_t i = 0; i < settings.size(); ++i) settings[i].position = i;
    Buffer ids(WL_DTYPE_INT32, {kDraws});
    wl_sample_params p{};
    p.struct_size = sizeof p;
    p.logits = one.view();
    p.logits.shape[0] = kDraws;
    p.logits.strides[0] = 0;
    p.settings = settings.data();
    p.settings_count = kDraws;
    p.ids = ids.view();
    ASSERT_EQ(wl_sample(&p, nullptr), WL_STATUS_OK) << wl_last_error();
    std::vector<double> observed(kColumns, 0);
    for (int64_t i = 0; i < kDraws; ++i) ++observed[static_cast<size_t>(ids.get(i))];
    const Distribution d = distribution(row_of(one, 0), s, {});
    double statistic = 0, freedom = -1;
    for (size_t i = 0; i < observed.size(); ++i) {
      const double expected = d.probabilities[i] * kDraws;
      if (expected == 0) {
        EXPECT_EQ(observed[i], 0) << "token " << i << " is dropped";
        continue;
      }
      statistic += (observed[i] - expected) * (observed[i] - expected) / expected;
      freedom += 1;
    }
    // Wilson and Hilferty's quantile at 99.9%: 3.09 standard deviations.
    const double spread = 2 / (9 * freedom);
    const double bar = freedom * std::pow(1 - spread + 3.09 * std::sqrt(spread), 3);
    EXPECT_LT(statistic, bar) << "at " << freedom << " degrees of freedom";
    EXPECT_GT(statistic, freedom / 4) << "suspiciously even";
  }
}

}  // namespace
}  // namespace wl::test
