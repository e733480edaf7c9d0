// Which rows a block works on, where sequences of any length lie packed one behind the other and only the device knows
// their offsets.
//
//   offsets   0     100        300 310                        tiles of 128 rows
//   sequence  |--0--|----1-----|2|        slot:  0 -> (0, 0)   1 -> (1, 0)   2 -> (1, 1)   3 -> (2, 0)   4 -> none
//
// The host launches rows / kRows + sequences slots, which always suffice. Each warp finds its slot by itself: a running
// sum over the tiles of 32 sequences at a time.
#pragma once

#include "cuda/ptx/global.h"
#include "cuda/ptx/math.h"
#include "cuda/ptx/special.h"
#include "cuda/ptx/sync.h"

namespace wl::cuda::tile {

struct SequenceTile {
  int sequence;  // as many as there are: the slot is not used
  int tile;
  int tiles;  // of the sequence
};

// Offsets [sequences + 1], `stride` apart. All lanes of a warp must call it with the same slot.
WL_DEVICE SequenceTile find_sequence_tile(Global<const int32_t> offsets, int64_t stride, int sequences,
                                          int rows_per_tile, int slot, Site s = Site::here()) {
  for (int first = 0; first < sequences; first += 32) {
    const int sequence = first + static_cast<int>(ptx::laneid());
    int tiles = 0;
    if (sequence < sequences) {
      const auto at = [&](int i) { return static_cast<int>(ptx::ld_global_nc_b32(offsets + i * stride, s)); };
      const int rows = at(sequence + 1) - at(sequence);
      tiles = rows > 0 ? (rows - 1) / rows_per_tile + 1 : 0;
    }
    int sum = tiles;
    WL_UNROLL
    for (uint32_t delta = 1; delta < 32; delta *= 2) {
      const auto below = static_cast<int>(ptx::shfl_sync_up_b32(static_cast<uint32_t>(sum), delta, s));
      if (ptx::laneid() >= delta) sum += below;
    }
    const uint32_t before =
        ptx::popc_b32(ptx::vote_sync_ballot_b32(sum <= slot, s));  // lanes whose tiles come earlier
    if (before < 32) {
      const auto from = [&](int x) {
        return static_cast<int>(ptx::shfl_sync_idx_b32(static_cast<uint32_t>(x), before, s));
      };
      const int own = from(tiles);
      return {first + static_cast<int>(before), slot - (from(sum) - own), own};
    }
    slot -= static_cast<int>(ptx::shfl_sync_idx_b32(static_cast<uint32_t>(sum), 31, s));
  }
  return {sequences, 0, 0};
}

}  // namespace wl::cuda::tile
