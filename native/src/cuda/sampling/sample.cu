// Drawing the next token of each row: penalties, temperature, top-k, top-p and min-p in Hugging Face's order, then the
// inverse of the cumulated weight in order of token id. Each filter keeps the beginning of one order of tokens (keys.h),
// so that all it yields is the key of the last token that is kept. One block works on a row, in passes over the logits,
// which stay in the L2; nothing but counters is stored. Bound by what one multiprocessor reads, and by the exponential.
//
//   largest key | sum for the log-probability | top-k: search | sum, top-p: search | sum of what is kept | draw
//
// Ids of the history outside the row are not counted; a row in which nothing can be chosen gets id -1. The weights' bits are those of the CPU backend and sums are exact, so that a draw falls on the CPU's token unless the
// random number lies within the rounding of its sums.
#include <cstddef>

#include "core/tensor.h"
#include "cuda/runtime/launch.h"
#include "cuda/sampling/philox.h"
#include "cuda/sampling/sampling.h"
#include "cuda/sampling/search.h"
#include "cuda/sampling/weights.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {
namespace {

struct SampleParams {
  Elements logits;
  int64_t logit_stride, columns;
  const int32_t* history;
  const int32_t* offsets;
  int64_t history_stride, offset_stride, history_total;
  const wl_sampling_row* settings;
  int32_t* ids;
  float* log_probabilities;  // or nullptr
  int64_t id_stride, log_probability_stride;
  uint32_t threads;
  TokenKeys keys;
  bool aligned;
};

constexpr SharedAddress kBinsAt = kReduceBytes, kCountsAt = kBinsAt + kBinBytes;
constexpr uint32_t sample_shared_bytes(int width, uint32_t threads) {
  return kCountsAt + static_cast<uint32_t>(kStepAccesses * width) * threads * 4;
}

// A field of the row's settings, in memory of the device.
WL_DEVICE uint32_t setting(const wl_sampling_row* s, size_t offset) {
  return ptx::ld_global_b32(Global<const uint32_t>{reinterpret_cast<const uint32_t*>(s)} +
                            static_cast<int64_t>(offset / 4));
}
WL_DEVICE wl_sampling_row read_settings(const wl_sampling_row* s) {
  const auto number = [&](size_t offset) { return ptx::mov_f32_b32(setting(s, offset)); };
  const auto wide = [&](size_t offset) {
    return static_cast<uint64_t>(setting(s, offset + 4)) << 32 | setting(s, offset);
  };
  wl_sampling_row r;
  r.temperature = number(offsetof(wl_sampling_row, temperature));
  r.top_p = number(offsetof(wl_sampling_row, top_p));
  r.min_p = number(offsetof(wl_sampling_row, min_p));
  r.repetition_penalty = number(offsetof(wl_sampling_row, repetition_penalty));
  r.frequency_penalty = number(offsetof(wl_sampling_row, frequency_penalty));
  r.presence_penalty = number(offsetof(wl_sampling_row, presence_penalty));
  r.top_k = static_cast<int32_t>(setting(s, offsetof(wl_sampling_row, top_k)));
  r.greedy = static_cast<int32_t>(setting(s, offsetof(wl_sampling_row, greedy)));
  r.seed = wide(offsetof(wl_sampling_row, seed));
  r.position = wide(offsetof(wl_sampling_row, position));
  if (r.temperature == 0) r.temperature = 1;
  if (r.repetition_penalty == 0) r.repetition_penalty = 1;
  return r;
}

WL_DEVICE Penalties read_penalties(const SampleParams& p, const wl_sampling_row& s, int64_t row) {
  Penalties penalties{p.history,           p.history_stride,  0, 0, s.repetition_penalty,
                      s.frequency_penalty, s.presence_penalty};
  if (p.history == nullptr) return penalties;
  const auto offset = [&](int64_t i) {
    const int64_t at = load_index(p.offsets, i * p.offset_stride);
    return at < 0 ? 0 : at > p.history_total ? p.history_total : at;
  };
  penalties.begin = offset(row);
  penalties.end = offset(row + 1);
  return penalties;
}

template <int V>
class Sampler {
 public:
  WL_DEVICE Sampler(const SampleParams& p, Team& block, const wl_sampling_row& s, const Logits<V>& logits)
      : keys_(p.keys),
        columns_(p.columns),
        block_(block),
        s_(s),
        logits_(logits),
        fixed_(FixedPoint::of(p.keys.id_bits)) {}

  // The largest key; 0 where nothing can be chosen.
  WL_DEVICE uint64_t top(bool penalised) {
    uint64_t best = 0;
    logits_.for_tokens(penalised, [&](float value, uint32_t id) {
      const uint64_t key = keys_.key(value, id);
      best = key > best ? key : best;
    });
    return block_.reduce(best, LargestOf());
  }

  // ln of the sum of e^(logit - top) over the logits as given.
  WL_DEVICE float log_sum(float top) {
    return fixed_.logarithm(sum(false, [&](float value, uint32_t) { return weight(value, top, 1.0f); }));
  }

  WL_DEVICE uint32_t draw(uint64_t top_key) {
    const float top = keys_.value(top_key);
    const auto weigh = [&](float value) { return fixed_.units(weight(value, top, s_.temperature)); };
    const uint64_t boundary = filter(top_key, top, weigh);
    const auto kept = [&](float value, uint32_t id) {
      if (keys_.key(value, id) < boundary) return 0.0f;
      const float w = weight(value, top, s_.temperature);
      return w < s_.min_p ? 0.0f : w;
    };
    const uint64_t target = place_in(sum(true, kept), philox_word(s_.seed, s_.position));
    uint64_t before = 0, found = 0;
    logits_.for_steps(true, [&](const Step<V>& step) {
      found = token_in(step, target, kept, &before);
      return found == 0;
    });
    return static_cast<uint32_t>(found) - 1;
  }

 private:
  template <class Weight>
  WL_DEVICE uint64_t sum(bool penalised, Weight weight_of) {
    uint64_t total = 0;
    logits_.for_tokens(penalised,
                       [&](float value, uint32_t id) { total += fixed_.units(weight_of(value, id)); });
    return block_.reduce(total, SumOf());
  }

  // The key of the last token that top-k and top-p keep.
  template <class Weigh>
  WL_DEVICE uint64_t filter(uint64_t top_key, float top, Weigh weigh) {
    BoundarySearch search(block_, ptx::shared_base() + kBinsAt);
    uint64_t boundary = 0;
    if (s_.top_k > 0 && s_.top_k < columns_) {
      boundary = search.find(logits_, keys_, 0, top_key, static_cast<uint64_t>(s_.top_k),
                             [](float) { return uint64_t{1}; });
    }
    if (s_.top_p > 0 && s_.top_p < 1) {
      const uint64_t total = sum(true, [&](float value, uint32_t id) {
        return keys_.key(value, id) < boundary ? 0.0f : weight(value, top, s_.temperature);
      });
      const uint64_t mass = scaled(total, static_cast<uint32_t>(s_.top_p * 0x1p32f));
      // Tokens of at most this weight hold together no more than half of what is dropped: none is kept.
      const float part = 0.5f * (1.0f - s_.top_p);
      const float least = top + s_.temperature * log_f32(ptx::div_rn_f32(part, static_cast<float>(columns_)));
      const uint64_t floor = keys_.key(least, keys_.mask());
      boundary = search.find(logits_, keys_, floor > boundary && floor < top_key ? floor : boundary, top_key,
                             mass > 0 ? mass : 1, weigh);
    }
    return boundary;
  }

  // One more than the id at which the cumulated weight passes the target; 0 where the step ends before.
  template <class Kept>
  WL_DEVICE uint64_t token_in(const Step<V>& step, uint64_t target, Kept kept, uint64_t* before) {
    uint64_t units[kStepAccesses][V], own = 0;
    WL_UNROLL
    for (int i = 0; i < kStepAccesses; ++i) {
      WL_UNROLL
      for (int j = 0; j < V; ++j) {
        const float value = step.values[i][j];
        const bool counts = value != -infinity();
        units[i][j] = counts ? fixed_.units(kept(value, static_cast<uint32_t>(step.at(i) + j))) : 0;
        own += units[i][j];
      }
    }
    const uint64_t total = block_.reduce(own, SumOf());
    if (*before + total <= target) {
      *before += total;
      return 0;
    }
    uint64_t found = 0;
    WL_UNROLL
    for (int i = 0; i < kStepAccesses; ++i) {
      uint64_t access = 0, of_all;
      WL_UNROLL
      for (int j = 0; j < V; ++j) access += units[i][j];
      uint64_t at = *before + block_.sum_before(access, &of_all);
      WL_UNROLL
      for (int j = 0; j < V; ++j) {
        if (at <= target && at + units[i][j] > target) found = static_cast<uint64_t>(step.at(i)) + j + 1;
        at += units[i][j];
      }
      *before += of_all;
    }
    return block_.reduce(found, LargestOf());
  }

  TokenKeys keys_;
  int64_t columns_;
  Team& block_;
  const wl_sampling_row& s_;
  const Logits<V>& logits_;
  FixedPoint fixed_;
};

template <int V>
WL_KERNEL(kSampleTuning.most_threads, 1)
sample_kernel(const WL_GRID_CONSTANT SampleParams p) {
  const int64_t r = ptx::ctaid_x();
  Team block(p.threads, ptx::shared_base());
  const wl_sampling_row s = read_settings(p.settings + r);
  const Penalties penalties = read_penalties(p, s, r);
  const Logits<V> logits(p.logits, r * p.logit_stride, p.columns, p.aligned, block, penalties,
                         ptx::shared_base() + kCountsAt);
  Sampler<V> sampler(p, block, s, logits);
  const uint64_t top = sampler.top(true);
  constexpr uint32_t kNone = 0xffffffffu;  // -1
  uint32_t id = kNone;
  if (top != 0) id = s.greedy != 0 ? p.keys.id(top) : sampler.draw(top);
  float log_probability = ptx::mov_f32_b32(0x7fffffffu);
  if (p.log_probabilities != nullptr && id != kNone) {
    const float given_top = p.keys.value(penalties.any() ? sampler.top(false) : top);
    const float given = logits.given(id), difference = given == given_top ? 0.0f : given - given_top;
    log_probability = difference - sampler.log_sum(given_top);
  }
  if (block.rank() != 0) return;
  ptx::st_global_b32(Global<int32_t>{p.ids} + r * p.id_stride, id);
  if (p.log_probabilities == nullptr) return;
  ptx::st_global_b32(Global<float>{p.log_probabilities} + r * p.log_probability_stride,
                     ptx::mov_b32_f32(log_probability));
}

const Kernel<SampleParams> kWidth8("sampling.sample.sm80.16bit", &sample_kernel<8>,
                                   sample_shared_bytes(8, kSampleTuning.most_threads));
const Kernel<SampleParams> kWidth4("sampling.sample.sm80.32bit", &sample_kernel<4>,
                                   sample_shared_bytes(4, kSampleTuning.most_threads));

}  // namespace

void sample(const wl_sample_params& p, const Launch& at) {
  const int64_t rows = p.logits.shape[0], columns = p.logits.shape[1];
  if (rows == 0) return;
  require_rows(rows, "logits.shape[0]");
  const int width = access_width({&p.logits});
  SampleParams k{};
  k.logits = elements_of(p.logits);
  k.logit_stride = p.logits.strides[0];
  k.columns = columns;
  if (present(p.history) && p.history.shape[0] > 0) {
    k.history = indices_of(p.history);
    k.offsets = indices_of(p.history_offsets);
  }
  k.history_stride = p.history.strides[0];
  k.offset_stride = p.history_offsets.strides[0];
  k.history_total = p.history.shape[0];
  k.settings = p.settings;
  k.ids = static_cast<int32_t*>(p.ids.data);
  k.id_stride = p.ids.strides[0];
  k.log_probabilities = static_cast<float*>(data_of(p.log_probabilities));
  k.log_probability_stride = p.log_probabilities.strides[0];
  k.threads = row_block_threads(columns, width * kStepAccesses, kSampleTuning.most_threads);
  k.keys = {id_bits(columns)};
  k.aligned = rows_aligned({&p.logits}, width);
  launch(width == 8 ? kWidth8 : kWidth4,
         {.grid = {static_cast<uint32_t>(rows)},
          .threads = k.threads,
          .shared_bytes = k.history != nullptr ? sample_shared_bytes(width, k.threads) : kCountsAt},
         at, k);
}

}  // namespace wl::cuda
