// Many query rows: keys and values of a group of heads are packed once, then a task takes one tile of rows through
// all its blocks of keys, merging as it goes. Longest tiles first (under a causal mask the last rows see most).
// Bound by the product units and exp.
#include "cpu/attention/schedule.h"

namespace wl::cpu {
namespace {

// One head of a sequence: the blocks that its rows may attend.
KeyRange sequence_blocks(const Work& w, int64_t b) {
  const Sequence& s = w.sequences[b];
  return s.split ? KeyRange{0, 0} : w.problem.blocks(s, 0, w.problem.rows(s));
}

int64_t tile_count(const Work& w, int64_t b) {
  const Sequence& s = w.sequences[b];
  return s.split ? 0 : ceil_div(w.problem.rows(s), kTileRows);
}

class Panels {
 public:
  Panels(const Work& w, const Group& g, std::byte* memory) : engine_(w.engine), group_(g), memory_(memory) {}
  std::byte* keys(int64_t first_block, const KeyRange& blocks, int64_t head, int64_t block) const {
    const int64_t at = first_block * group_.heads() +
                       (head - group_.head_begin) * (blocks.end - blocks.begin) + block - blocks.begin;
    return memory_ + static_cast<uint64_t>(at) * (engine_.keys_bytes() + engine_.values_bytes());
  }
  std::byte* values(std::byte* keys) const { return keys + engine_.keys_bytes(); }

 private:
  const TileEngine& engine_;
  Group group_;
  std::byte* memory_;
};

void run_group(const Work& w, const Group& g, std::byte* slots, std::byte* memory) {
  const Problem& p = w.problem;
  int64_t *blocks_before = w.offsets[0], *packs_before = w.offsets[1], *tiles_before = w.offsets[2];
  blocks_before[0] = packs_before[0] = tiles_before[0] = 0;
  for (int64_t b = g.begin, i = 0; b < g.end; ++b, ++i) {
    const KeyRange blocks = sequence_blocks(w, b);
    blocks_before[i + 1] = blocks_before[i] + blocks.end - blocks.begin;
    packs_before[i + 1] = blocks_before[i + 1] * g.heads();
    tiles_before[i + 1] = tiles_before[i] + tile_count(w, b) * g.heads();
  }
  const int64_t last = g.end - g.begin;
  const Panels panels(w, g, memory);

  auto pack = [&](int64_t task, int slot) {
    const int64_t b = sequence_of(packs_before, g, task);
    const Sequence& s = w.sequences[b];
    const KeyRange blocks = sequence_blocks(w, b);
    const int64_t local = task - packs_before[b - g.begin];
    const int64_t head = g.head_begin + local % g.heads(), block = blocks.begin + local / g.heads();
    const int64_t columns = round_up(std::min(kBlockKeys, s.k_length - block * kBlockKeys), 16);
    std::byte* keys = panels.keys(blocks_before[b - g.begin], blocks, head, block);
    w.engine.pack(s, b, head, block, {0, columns},
                  slots + static_cast<uint64_t>(slot) * w.engine.slot_bytes(), keys, panels.values(keys));
  };
  w.arena.run(packs_before[last], pack);

  auto attend = [&](int64_t task, int slot) {
    const int64_t b = sequence_of(tiles_before, g, task);
    const Sequence& s = w.sequences[b];
    const KeyRange blocks = sequence_blocks(w, b);
    const int64_t local = task - tiles_before[b - g.begin], tiles = tile_count(w, b);
    const int64_t head = g.head_begin + local / tiles, index = tiles - 1 - local % tiles;
    Tile tile(w.engine, slots + static_cast<uint64_t>(slot) * w.engine.slot_bytes(), s, b, head,
              index * kTileRows, std::min((index + 1) * kTileRows, p.rows(s)));
    tile.load_queries();
    tile.clear();
    const Partial partial = tile.scratch_partial();
    const KeyRange own = tile.blocks();
    for (int64_t block = own.begin; block < own.end; ++block) {
      std::byte* keys = panels.keys(blocks_before[b - g.begin], blocks, head, block);
      tile.score(block, keys, panels.values(keys), partial);
      tile.merge(partial);
    }
    tile.finish();
  };
  w.arena.run(tiles_before[last], attend);
}

}  // namespace

void attention_tiles(const Work& w) {
  const uint64_t block_bytes = w.engine.keys_bytes() + w.engine.values_bytes();
  const auto head_bytes = [&](int64_t b) {
    const KeyRange blocks = sequence_blocks(w, b);
    ScratchLayout layout;
    layout.part(blocks.end - blocks.begin, static_cast<int64_t>(block_bytes));
    return layout.bytes();
  };
  const uint64_t capacity = group_bytes(w.problem, head_bytes);
  ScratchLayout layout;
  layout.part(w.arena.size(), static_cast<int64_t>(w.engine.slot_bytes()));
  const uint64_t panels = layout.part(static_cast<int64_t>(capacity), 1);
  const Scratch scratch(layout.bytes());
  for_groups(w.problem, capacity, head_bytes, [&](const Group& g) {
    run_group(w, g, scratch.at<std::byte>(0), scratch.at<std::byte>(panels));
  });
}

}  // namespace wl::cpu
