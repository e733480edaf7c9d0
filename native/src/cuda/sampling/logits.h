// A row of logits as sampling sees it: float32, NaN as -infinity, penalties applied on the way, so that nothing is stored.
//
// The row passes in steps of kSampleTuning.accesses accesses a thread, in order of id. The penalties need each token's
// count in the history: for each step the whole history is read and counted in shared memory, a word an id of the step,
// laid out so that lanes side by side read words side by side:
//
//   word (id in access) * accesses of a step + access
#pragma once

#include <warpline/sampling.h>

#include "cuda/sampling/tuning.h"
#include "cuda/tile/math.h"
#include "cuda/tile/row.h"

namespace wl::cuda {

constexpr int kStepAccesses = kSampleTuning.accesses;

struct Penalties {
  const int32_t* history;
  int64_t stride, begin, end;
  float repetition, frequency, presence;

  WL_DEVICE bool any() const {
    return begin < end && (repetition != 1.0f || frequency != 0 || presence != 0);
  }
  WL_DEVICE float apply(float value, uint32_t count) const {
    if (count == 0) return value;
    value = value > 0 ? ptx::div_rn_f32(value, repetition) : value * repetition;
    value = value - frequency * static_cast<float>(count) - presence;
    return value != value ? -infinity() : value;
  }
};

// Logits of one step: access i of a thread begins at id at(i).
template <int V>
struct Step {
  int64_t base;
  uint32_t threads, rank;
  float values[kStepAccesses][V];  // -infinity past the row's end

  WL_DEVICE int64_t at(int i) const { return base + (int64_t{threads} * i + rank) * V; }
};

template <int V>
class Logits {
 public:
  WL_DEVICE Logits(const Elements& e, int64_t begin, int64_t length, bool aligned, const Team& block,
                   const Penalties& penalties, SharedAddress counts)
      : elements_(e),
        begin_(begin),
        length_(length),
        row_(length, aligned),
        threads_(block.threads()),
        rank_(block.rank()),
        penalties_(penalties),
        counts_(counts) {}

  // use(step) for each step until it answers false; all threads of the block take part and answer alike.
  template <class Use>
  WL_DEVICE void for_steps(bool penalised, Use use) const {
    const bool counted = penalised && penalties_.any();
    const int64_t ids = int64_t{threads_} * kStepAccesses * V;
    for (int64_t base = 0; base < length_; base += ids) {
      Step<V> step{base, threads_, rank_, {}};
      row_.load(
          elements_,
          [&](int i) {
            return typename Row<V>::Place{begin_, step.at(i)};
          },
          -infinity(), step.values);
      if (counted) count(base, ids);
      WL_UNROLL
      for (int i = 0; i < kStepAccesses; ++i) {
        WL_UNROLL
        for (int j = 0; j < V; ++j) {
          float& value = step.values[i][j];
          if (value != value) value = -infinity();
          if (counted) value = penalties_.apply(value, ptx::ld_shared_b32(place(j, i)));
        }
      }
      if (!use(step)) return;
    }
  }

  // use(value, id) for each logit above -infinity.
  template <class Use>
  WL_DEVICE void for_tokens(bool penalised, Use use) const {
    for_steps(penalised, [&](const Step<V>& step) {
      WL_UNROLL
      for (int i = 0; i < kStepAccesses; ++i) {
        WL_UNROLL
        for (int j = 0; j < V; ++j) {
          if (step.values[i][j] != -infinity()) use(step.values[i][j], static_cast<uint32_t>(step.at(i) + j));
        }
      }
      return true;
    });
  }

  WL_DEVICE float given(int64_t id) const { return load_one(elements_, begin_ + id); }

 private:
  WL_DEVICE SharedAddress place(int j, int i) const {
    return counts_ + ((j * kStepAccesses + i) * threads_ + rank_) * 4;
  }

  WL_DEVICE void count(int64_t base, int64_t ids) const {
    // A thread clears the words that it has read itself in the step before.
    for (int w = 0; w < kStepAccesses * V; ++w) ptx::st_shared_b32(counts_ + (w * threads_ + rank_) * 4, 0);
    ptx::bar_sync();
    for (int64_t h = penalties_.begin + rank_; h < penalties_.end; h += threads_) {
      const int64_t id = load_index(penalties_.history, h * penalties_.stride) - base;
      if (id < 0 || id >= ids) continue;
      const auto access = static_cast<uint32_t>(id) / V, j = static_cast<uint32_t>(id) % V;
      ptx::atom_shared_add_u32(counts_ + (j * kStepAccesses * threads_ + access) * 4, 1);
    }
    ptx::bar_sync();
  }

  Elements elements_;
  int64_t begin_, length_;
  Row<V> row_;
  uint32_t threads_, rank_;
  Penalties penalties_;
  SharedAddress counts_;
};

}  // namespace wl::cuda
