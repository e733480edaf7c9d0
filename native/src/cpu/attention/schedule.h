// How a call is cut into groups of work that fit a budget of scratch memory, and groups into tasks.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cpu/arena.h"
#include "cpu/attention/problem.h"
#include "cpu/attention/tile.h"
#include "cpu/scratch.h"

namespace wl::cpu {

// Scratch that a group may use; a single head of a sequence may need more.
constexpr uint64_t kGroupBytes = uint64_t{64} << 20;

// Heads [head_begin, head_end) of sequences [begin, end).
struct Group {
  int64_t begin, end, head_begin, head_end;
  int64_t heads() const { return head_end - head_begin; }
};

// The sequences of a call that one kernel serves, with room for sums over a group's sequences.
struct Work {
  const Problem& problem;
  const TileEngine& engine;
  const Arena& arena;
  const Sequence* sequences;
  int64_t* offsets[3];  // each sequences + 1
};

// Scratch bytes of a group: what all need together, at most the budget, at least the largest single head.
// bytes(b) is what one head of sequence b needs.
template <class Bytes>
uint64_t group_bytes(const Problem& p, Bytes&& bytes) {
  uint64_t all = 0, largest = 0;
  for (int64_t b = 0; b < p.sequences; ++b) {
    const uint64_t one = bytes(b);
    largest = std::max(largest, one);
    if (all < kGroupBytes) {
      const auto heads = static_cast<uint64_t>(p.k_heads);
      all = one > kGroupBytes / heads ? kGroupBytes : all + one * heads;
    }
  }
  return std::max(std::min(all, kGroupBytes), largest);
}

// Calls run(group) for consecutive groups that fit the capacity.
template <class Bytes, class Run>
void for_groups(const Problem& p, uint64_t capacity, Bytes&& bytes, Run&& run) {
  const auto heads = static_cast<uint64_t>(p.k_heads);
  for (int64_t b = 0; b < p.sequences;) {
    const uint64_t one = bytes(b);
    const uint64_t fitting = one == 0 ? heads : std::min(heads, capacity / one);
    if (fitting < heads) {
      for (int64_t h = 0; h < p.k_heads; h += static_cast<int64_t>(fitting))
        run(Group{b, b + 1, h, std::min(p.k_heads, h + static_cast<int64_t>(fitting))});
      ++b;
      continue;
    }
    uint64_t used = one * heads;
    int64_t end = b + 1;
    for (; end < p.sequences; ++end) {
      const uint64_t next = bytes(end);
      if (next > capacity / heads || used + next * heads > capacity) break;
      used += next * heads;
    }
    run(Group{b, end, 0, p.k_heads});
    b = end;
  }
}

// The sequence of a task: `offsets` are the first task of each of the group's sequences.
inline int64_t sequence_of(const int64_t* offsets, const Group& g, int64_t task) {
  return g.begin + (std::upper_bound(offsets, offsets + (g.end - g.begin) + 1, task) - offsets) - 1;
}

// tiles.cpp and split.cpp
void attention_tiles(const Work& work);
void attention_split(const Work& work);

}  // namespace wl::cpu
