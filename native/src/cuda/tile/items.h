// Work without reductions, cut into items: row r of a tensor and a chunk of it, one item a thread, numbered row by row so
// that lanes side by side touch memory side by side.
#pragma once

#include "cuda/ptx/special.h"
#include "cuda/tile/divide.h"

namespace wl::cuda {

// Rows are cut into slabs, the grid's second dimension, so that item numbers of a slab stay below 2^31.
struct Items {
  int64_t rows;
  uint32_t slab_rows;
  Divisor chunks;  // of a row
};

constexpr int64_t kMostChunks = 1 << 30;

// Made by the host; chunks is at least 1 and at most kMostChunks.
inline Items items_of(int64_t rows, int64_t chunks) {
  const int64_t slab = kMostChunks / chunks;
  return {rows, static_cast<uint32_t>(rows < slab ? rows : slab), divisor(static_cast<uint32_t>(chunks))};
}
inline uint32_t item_blocks(const Items& items, uint32_t threads) {
  return (items.slab_rows * items.chunks.value - 1) / threads + 1;
}
inline uint32_t item_slabs(const Items& items) {
  return static_cast<uint32_t>((items.rows - 1) / items.slab_rows + 1);
}

struct Item {
  int64_t row;
  uint32_t chunk;
};

// The calling thread's item; false where there is none.
WL_DEVICE bool item_of_thread(const Items& items, uint32_t threads, Item* item) {
  const uint32_t number = ptx::ctaid_x() * threads + ptx::tid_x();
  const uint32_t row_in_slab = divide(number, items.chunks);
  item->chunk = number - row_in_slab * items.chunks.value;
  item->row = static_cast<int64_t>(ptx::ctaid_y()) * items.slab_rows + row_in_slab;
  return row_in_slab < items.slab_rows && item->row < items.rows;
}

}  // namespace wl::cuda
