// Few query rows: the keys are split. A task takes one tile of rows, or those of all heads, through one block of keys,
// which it packs into its own scratch, and leaves a partial result for each; then the partials of a tile are merged in
// the order of their keys.
// A sequence of more rows than a tile passes several times. Bound by reading the keys and values once.
#include "cpu/attention/schedule.h"

namespace wl::cpu {
namespace {

// Rows of a sequence that take part in the pass that begins at `first`.
KeyRange pass_rows(const Work& w, int64_t b, int64_t first) {
  const Sequence& s = w.sequences[b];
  if (!s.split) return {0, 0};
  return {first, std::min(first + kTileRows, w.problem.rows(s))};
}

struct Pass {
  const Work& w;
  std::byte *slots, *partials;
  uint64_t slot_bytes, keys, values;  // a slot's size, and where its panels lie in it
};

void run_group(const Pass& pass, const Group& g, int64_t first_row) {
  const Work& w = pass.w;
  const Problem& p = w.problem;
  int64_t *blocks_before = w.offsets[0], *tiles_before = w.offsets[1], *bytes_before = w.offsets[2];
  blocks_before[0] = tiles_before[0] = bytes_before[0] = 0;
  for (int64_t b = g.begin, i = 0; b < g.end; ++b, ++i) {
    const KeyRange rows = pass_rows(w, b, first_row);
    const KeyRange blocks = rows.empty() ? KeyRange{0, 0} : p.blocks(w.sequences[b], rows.begin, rows.end);
    const int64_t count = blocks.end - blocks.begin;
    blocks_before[i + 1] = blocks_before[i] + count;
    tiles_before[i + 1] = tiles_before[i] + (rows.empty() ? 0 : g.heads());
    bytes_before[i + 1] = bytes_before[i];
    if (count > 0) {
      bytes_before[i + 1] +=
          count * g.heads() * static_cast<int64_t>(w.engine.partial_bytes(rows.end - rows.begin));
    }
  }
  const auto slot_at = [&](int slot) { return pass.slots + static_cast<uint64_t>(slot) * pass.slot_bytes; };
  // The partials of a tile lie side by side.
  const auto partial = [&](int64_t b, const KeyRange& rows, const KeyRange& blocks, int64_t head,
                           int64_t block) {
    const int64_t at = (head - g.head_begin) * (blocks.end - blocks.begin) + block - blocks.begin;
    return w.engine.partial_at(pass.partials + bytes_before[b - g.begin] +
                               at * static_cast<int64_t>(w.engine.partial_bytes(rows.end - rows.begin)));
  };

  // A task is a block of keys and one head, or all of the group's where there are blocks enough: the heads' rows are
  // neighbours in memory, which one worker reads best.
  const int64_t all_blocks = blocks_before[g.end - g.begin];
  const int64_t heads = all_blocks >= 2 * w.arena.size() ? g.heads() : 1, parts = g.heads() / heads;
  auto score = [&](int64_t task, int slot) {
    const int64_t b = sequence_of(blocks_before, g, task / parts);
    const Sequence& s = w.sequences[b];
    const KeyRange rows = pass_rows(w, b, first_row), blocks = p.blocks(s, rows.begin, rows.end);
    const int64_t block = blocks.begin + task / parts - blocks_before[b - g.begin];
    const int64_t first_head = g.head_begin + task % parts * heads;
    if (heads > 1) w.engine.fetch(s, b, {first_head, first_head + heads}, block);
    std::byte* memory = slot_at(slot);
    for (int64_t head = first_head; head < first_head + heads; ++head) {
      Tile tile(w.engine, memory, s, b, head, rows.begin, rows.end);
      w.engine.pack(s, b, head, block, tile.columns(block), memory, memory + pass.keys, memory + pass.values);
      tile.load_queries();
      tile.score(block, memory + pass.keys, memory + pass.values, partial(b, rows, blocks, head, block));
    }
  };
  w.arena.run(all_blocks * parts, score);

  auto merge = [&](int64_t task, int slot) {
    const int64_t b = sequence_of(tiles_before, g, task);
    const Sequence& s = w.sequences[b];
    const KeyRange rows = pass_rows(w, b, first_row), blocks = p.blocks(s, rows.begin, rows.end);
    const int64_t head = g.head_begin + task - tiles_before[b - g.begin];
    Tile tile(w.engine, slot_at(slot), s, b, head, rows.begin, rows.end);
    tile.clear();
    for (int64_t block = blocks.begin; block < blocks.end; ++block)
      tile.merge(partial(b, rows, blocks, head, block));
    tile.finish();
  };
  w.arena.run(tiles_before[g.end - g.begin], merge);
}

}  // namespace

void attention_split(const Work& w) {
  const Problem& p = w.problem;
  int64_t most_rows = 0;
  for (int64_t b = 0; b < p.sequences; ++b) {
    if (w.sequences[b].split) most_rows = std::max(most_rows, p.rows(w.sequences[b]));
  }
  // Enough for any pass: as if all rows saw all keys that the sequence's rows see.
  const auto head_bytes = [&](int64_t b) {
    const Sequence& s = w.sequences[b];
    if (!s.split) return uint64_t{0};
    const KeyRange blocks = p.blocks(s, 0, p.rows(s));
    ScratchLayout layout;
    layout.part(blocks.end - blocks.begin,
                static_cast<int64_t>(w.engine.partial_bytes(std::min(kTileRows, p.rows(s)))));
    return layout.bytes();
  };
  const uint64_t capacity = group_bytes(p, head_bytes);
  ScratchLayout slot;
  slot.part(static_cast<int64_t>(w.engine.slot_bytes()), 1);
  Pass pass{w, nullptr, nullptr, 0, 0, 0};
  pass.keys = slot.part(static_cast<int64_t>(w.engine.keys_bytes()), 1);
  pass.values = slot.part(static_cast<int64_t>(w.engine.values_bytes()), 1);
  pass.slot_bytes = slot.bytes();
  ScratchLayout layout;
  layout.part(w.arena.size(), static_cast<int64_t>(pass.slot_bytes));
  const uint64_t partials = layout.part(static_cast<int64_t>(capacity), 1);
  const Scratch scratch(layout.bytes());
  pass.slots = scratch.at<std::byte>(0);
  pass.partials = scratch.at<std::byte>(partials);
  for (int64_t row = 0; row < most_rows; row += kTileRows) {
    for_groups(p, capacity, head_bytes, [&](const Group& g) { run_group(pass, g, row); });
  }
}

}  // namespace wl::cpu
