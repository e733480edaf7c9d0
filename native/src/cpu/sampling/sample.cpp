// Drawing the next token of each row: penalties, temperature, top-k, top-p and min-p in Hugging Face's order,
// then the inverse of the cumulated weight in order of token id. Each filter keeps the beginning of one and
// the same order (larger logit first, then lower id), so that all it yields is the last token that is kept; a
// single pass then clears the weights behind it. One task works on whole rows. Bound by the exponential and
// by the caches.
#include <cmath>

#include "core/convert.h"
#include "core/failure.h"
#include "core/tensor.h"
#include "cpu/rows.h"
#include "cpu/sampling/passes.h"
#include "cpu/sampling/philox.h"
#include "cpu/sampling/sampling.h"
#include "cpu/sampling/select.h"
#include "cpu/scratch.h"

namespace wl::cpu {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// A worker's buffers for one row.
struct RowBuffers {
  float* values;       // logits, changed by the penalties
  float* weights;      // of the softmax, not normalised
  double* block_sums;  // of the weights
  uint64_t* keys;      // candidates of top-k and top-p
  int32_t* counts;     // of tokens in the history; only those of the history are valid
};

struct BufferLayout {
  explicit BufferLayout(int64_t vocabulary) {
    const auto n = static_cast<uint64_t>(padded(vocabulary));
    const auto take = [&](uint64_t bytes) {
      const uint64_t at = size;
      size += scratch_part(bytes);
      return at;
    };
    values = take(n * sizeof(float));
    weights = take(n * sizeof(float));
    block_sums = take(static_cast<uint64_t>(weight_blocks(vocabulary)) * sizeof(double));
    keys = take((n + 16) * sizeof(uint64_t));
    counts = take(n * sizeof(int32_t));
  }
  RowBuffers cut(const Scratch& scratch, uint64_t base) const {
    return {scratch.at<float>(base + values), scratch.at<float>(base + weights),
            scratch.at<double>(base + block_sums), scratch.at<uint64_t>(base + keys),
            scratch.at<int32_t>(base + counts)};
  }
  uint64_t values, weights, block_sums, keys, counts, size = 0;
};

struct Choice {
  int32_t id;  // -1: nothing can be chosen
  float log_probability;
};

float or_default(float value, float otherwise) { return value == 0 ? otherwise : value; }

// Repetition first, then frequency and presence; each token of the history is touched once.
void penalize(const wl_sample_params& p, int64_t row, const wl_sampling_row& s, const RowBuffers& b) {
  if (!present(p.history)) return;
  const float repetition = or_default(s.repetition_penalty, 1);
  if (repetition == 1 && s.frequency_penalty == 0 && s.presence_penalty == 0) return;
  const int64_t begin = index_at(p.history_offsets, row), end = index_at(p.history_offsets, row + 1);
  for (int64_t i = begin; i < end; ++i) b.counts[index_at(p.history, i)] = 0;
  for (int64_t i = begin; i < end; ++i) ++b.counts[index_at(p.history, i)];
  for (int64_t i = begin; i < end; ++i) {
    const int32_t id = index_at(p.history, i);
    const int32_t count = b.counts[id];
    if (count == 0) continue;
    b.counts[id] = 0;
    float value = b.values[id];
    value = value > 0 ? value / repetition : value * repetition;
    value = value - s.frequency_penalty * static_cast<float>(count) - s.presence_penalty;
    b.values[id] = std::isnan(value) ? kMinusInfinity : value;
  }
}

// The token at which the cumulated weight, in order of id, passes u times the total.
int32_t draw(const float* weights, int64_t n, const double* block_sums, double total, double u) {
  const double target = u * total;
  double before = 0;
  int64_t block = 0;
  int64_t last_block = 0;  // the last with any weight: where rounding ends up, if it does
  for (; block < weight_blocks(n); ++block) {
    if (block_sums[block] > 0) last_block = block;
    if (before + block_sums[block] > target) break;
    before += block_sums[block];
  }
  if (block == weight_blocks(n)) {
    block = last_block;
    before -= block_sums[block];
  }
  int64_t chosen = -1;
  const int64_t begin = block * kWeightBlock, end = std::min(n, begin + kWeightBlock);
  for (int64_t i = begin; i < end && (chosen < 0 || before <= target); ++i) {
    if (weights[i] == 0) continue;
    before += static_cast<double>(weights[i]);
    chosen = i;
  }
  return static_cast<int32_t>(chosen);
}

int32_t sample_token(const SamplingPasses& passes, const wl_sampling_row& s, int64_t n, float largest,
                     const RowBuffers& b) {
  double total = passes.weigh(b.values, n, largest, or_default(s.temperature, 1), b.weights, b.block_sums);
  const bool by_rank = s.top_k > 0 && s.top_k < n;
  const bool by_mass = s.top_p > 0 && s.top_p < 1;
  Boundary boundary;
  int64_t candidates = 0;
  if (by_rank) {
    candidates = select_top_k(passes, b.values, n, s.top_k, b.keys);
    boundary = lowest(b.keys, candidates);
  }
  if (by_mass) {
    double kept = total;
    if (by_rank) {
      kept = 0;
      for (int64_t i = 0; i < candidates; ++i) kept += static_cast<double>(b.weights[key_id(b.keys[i])]);
    } else {
      // Tokens of at most this weight hold together no more than what is to be dropped (half of it, to stay
      // clear of rounding): none of them can be in the nucleus.
      const double bar = 0.5 * (1 - static_cast<double>(s.top_p)) * total / static_cast<double>(n);
      int64_t position = 0;
      candidates = passes.collect(b.values, b.weights, static_cast<float>(bar), n, &position, b.keys, 0,
                                  padded(n) + 16);
    }
    boundary = select_mass(b.keys, candidates, b.weights, static_cast<double>(s.top_p) * kept);
  }
  if (by_rank || by_mass || s.min_p > 0)
    total = passes.filter(b.values, n, boundary, s.min_p, b.weights, b.block_sums);
  return draw(b.weights, n, b.block_sums, total, philox_uniform(s.seed, s.position));
}

Choice choose(const SamplingPasses& passes, const wl_sample_params& p, int64_t row, const RowBuffers& b) {
  const int64_t n = p.logits.shape[1];
  const wl_sampling_row& s = p.settings[row];
  passes.read(p.logits, row, b.values);
  const float given_largest = passes.largest(b.values, n);
  double given_total = 0;
  if (present(p.log_probabilities))
    given_total = passes.weigh(b.values, n, given_largest, 1, b.weights, b.block_sums);
  penalize(p, row, s, b);
  const float largest = passes.largest(b.values, n);
  if (largest == kMinusInfinity) return {-1, 0};
  int32_t id = 0;
  if (s.greedy != 0) {
    while (b.values[id] != largest) ++id;
  } else {
    id = sample_token(passes, s, n, largest, b);
  }
  const float given = load_float(p.logits.data, p.logits.dtype, row * p.logits.strides[0] + id);
  const double difference = given == given_largest ? 0 : static_cast<double>(given) - given_largest;
  return {id, present(p.log_probabilities) ? static_cast<float>(difference - std::log(given_total)) : 0};
}

}  // namespace

void sample(const wl_sample_params& p) {
  static constexpr KernelNames kNames = WL_KERNEL_NAMES("sampling.sample");
  const bool avx512 = use_avx512();
  set_last_kernel(kNames.of(avx512, p.logits.dtype));
  const int64_t rows = p.logits.shape[0], n = p.logits.shape[1];
  if (rows == 0) return;
  const SamplingPasses& passes = sampling_passes(avx512);
  const Arena arena;
  const BufferLayout layout(n);
  const uint64_t choices_bytes = scratch_part(static_cast<uint64_t>(rows) * sizeof(Choice));
  const Scratch scratch(choices_bytes + layout.size * static_cast<uint64_t>(arena.size()));
  auto* choices = scratch.at<Choice>(0);
  constexpr int64_t kElementCost = 8;  // A logit costs as much as that many elements of other ops.
  for_rows(arena, rows, n * kElementCost, [&](int64_t r, int slot) {
    choices[r] =
        choose(passes, p, r, layout.cut(scratch, choices_bytes + layout.size * static_cast<uint64_t>(slot)));
  });
  for (int64_t r = 0; r < rows; ++r) {
    if (choices[r].id < 0)
      invalid("logits[" + text(r) + "]", "NaN or -infinity throughout", "a row with a token to choose");
  }
  for (int64_t r = 0; r < rows; ++r) {
    *row<int32_t>(p.ids, r) = choices[r].id;
    if (present(p.log_probabilities)) *row<float>(p.log_probabilities, r) = choices[r].log_probability;
  }
}

}  // namespace wl::cpu
