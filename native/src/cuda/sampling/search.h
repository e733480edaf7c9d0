// The last token that a filter keeps: the largest key such that the tokens of at least that key measure the target
// (top-k: a token measures 1; top-p: its weight).
//
// The range of keys that holds it is cut into a bin for each thread, top first; a pass over the row adds up what each bin measures, a
// prefix sum finds the bin in which the target is reached, and that bin is the next range, down to one key:
//
//   high |bin 0|bin 1|bin 2|...|bin n - 1| low       bin = (high - key) >> shift
//
// A bin is two words of shared memory, added to by 32-bit atomics with the carry by hand: integers, so the order of the
// threads does not matter. Tokens outside the range cost a comparison.
#pragma once

#include "cuda/sampling/keys.h"
#include "cuda/sampling/logits.h"

namespace wl::cuda {

constexpr uint32_t kBins = kSampleTuning.most_threads;  // at most
constexpr uint32_t kBinBytes = 2 * kBins * 4 + 16;  // low words, then high words, then the bin that was found

class BoundarySearch {
 public:
  WL_DEVICE BoundarySearch(Team& block, SharedAddress bins) : block_(block), bins_(bins) {}

  // Keys in [low, high]; `measure(value)` of a token. Where all tokens together measure less than the target, all stay:
  // the answer is low.
  template <int V, class Measure>
  WL_DEVICE uint64_t find(const Logits<V>& logits, const TokenKeys& keys, uint64_t low, uint64_t high,
                          uint64_t target, Measure measure) {
    uint64_t above = 0;  // what the keys above high measure
    clear();
    for (;;) {
      uint32_t shift = 0;
      while (((high - low) >> shift) >= block_.threads()) ++shift;
      logits.for_tokens(true, [&](float value, uint32_t id) {
        const uint64_t key = keys.key(value, id);
        if (key >= low && key <= high) add(static_cast<uint32_t>((high - key) >> shift), measure(value));
      });
      ptx::bar_sync();
      const Crossing crossing = cross(above, target);
      if (crossing.bin == kNone) return low;
      above = crossing.above;
      const uint64_t first = static_cast<uint64_t>(crossing.bin) << shift,
                     last = first + ((uint64_t{1} << shift) - 1);
      if (shift == 0) return high - first;
      if (last < high - low) low = high - last;
      high -= first;
    }
  }

 private:
  static constexpr uint32_t kNone = kBins;
  struct Crossing {
    uint32_t bin;  // or kNone
    uint64_t above;
  };

  WL_DEVICE void clear() {
    ptx::bar_sync();  // an earlier search has read its last result
    zero(block_.rank());
    if (block_.rank() == 0) ptx::st_shared_v4_b32(found(), {kNone, 0, 0, 0});
    ptx::bar_sync();
  }

  WL_DEVICE void add(uint32_t bin, uint64_t measure) {
    const auto low = static_cast<uint32_t>(measure);
    const uint32_t before = ptx::atom_shared_add_u32(bins_ + bin * 4, low);
    const uint32_t high = static_cast<uint32_t>(measure >> 32) + (before + low < before ? 1u : 0u);
    if (high != 0) ptx::atom_shared_add_u32(bins_ + (kBins + bin) * 4, high);
  }

  WL_DEVICE SharedAddress found() const { return bins_ + 2 * kBins * 4; }

  WL_DEVICE void zero(uint32_t bin) {
    ptx::st_shared_b32(bins_ + bin * 4, 0);
    ptx::st_shared_b32(bins_ + (kBins + bin) * 4, 0);
  }

  // What a bin measures; it is cleared for the next step.
  WL_DEVICE uint64_t take(uint32_t bin) {
    const uint64_t low = ptx::ld_shared_b32(bins_ + bin * 4),
                   high = ptx::ld_shared_b32(bins_ + (kBins + bin) * 4);
    zero(bin);
    return high << 32 | low;
  }

  // The first bin at which `above` and the bins up to it reach the target.
  WL_DEVICE Crossing cross(uint64_t above, uint64_t target) {
    const uint32_t bin = block_.rank();
    const uint64_t own = take(bin);
    uint64_t total;
    const uint64_t before = above + block_.sum_before(own, &total);
    if (before < target && before + own >= target) {
      ptx::st_shared_v4_b32(found(),
                            {bin, 0, static_cast<uint32_t>(before), static_cast<uint32_t>(before >> 32)});
    }
    ptx::bar_sync();
    const U4 words = ptx::ld_shared_v4_b32(found());
    return {words.x, static_cast<uint64_t>(words.w) << 32 | words.z};
  }

  Team& block_;
  SharedAddress bins_;
};

}  // namespace wl::cuda
