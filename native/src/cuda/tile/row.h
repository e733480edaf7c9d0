// Rows that a team reads into registers: kRowAccesses accesses of V elements a thread make a tile; a row of one tile is
// read once, longer rows are read again in each pass.
//
//   row    | tile 0                                             | tile 1 ...
//   access | 0: thread 0, 1, 2 ... | 1: thread 0, 1, 2 ... | .. |
//
// Which thread holds which element follows from the row's length and types only, not from its address: where rows are
// not aligned, the same accesses are made element by element, and the bits of sums stay.
#pragma once

#include "cuda/tile/elements.h"
#include "cuda/tile/reduce.h"

namespace wl::cuda {

constexpr int kRowAccesses = 4;

// How many threads share a row, and how rows lie in blocks; made by the host.
struct RowShape {
  int64_t length;    // elements
  uint32_t threads;  // of a team
  uint32_t rows;     // of the tensor
  uint32_t block;    // threads
  uint32_t tiles;    // that a row is cut into
  uint32_t aligned;  // all rows of all tensors, to an access
};

// Threads for rows of `length`: enough that a thread makes kRowAccesses accesses, at most `most` (a power of two).
inline RowShape row_shape(int64_t length, int64_t rows, int width, bool aligned, uint32_t most) {
  const int64_t accesses = (length + width - 1) / width;
  uint32_t threads = 1;
  while (threads < most && threads * int64_t{kRowAccesses} < accesses) threads *= 2;
  const int64_t tile = threads * int64_t{kRowAccesses};
  return {length,
          threads,
          static_cast<uint32_t>(rows),
          threads <= 32 ? 128 : threads,
          static_cast<uint32_t>((accesses + tile - 1) / tile),
          aligned ? 1u : 0u};
}
// Threads of a block that works on a row alone, `per_thread` elements a thread at a time.
inline uint32_t row_block_threads(int64_t length, int64_t per_thread, uint32_t most) {
  uint32_t threads = 32;
  while (threads < most && threads * per_thread < length) threads *= 2;
  return threads;
}
inline uint32_t row_blocks(const RowShape& shape) {
  const uint32_t rows_per_block = shape.block / shape.threads;
  return (shape.rows - 1) / rows_per_block + 1;
}
// The row of the calling thread's team; shape.rows or more for a team without one.
WL_DEVICE uint32_t team_row(const Team& team, const RowShape& shape) {
  return ptx::ctaid_x() * (shape.block / shape.threads) + team.index();
}

// A row of `length` elements, accessed V at a time; whole accesses where rows are aligned, single elements elsewhere.
template <int V>
class Row {
 public:
  WL_DEVICE Row(int64_t length, bool aligned) : length_(length), aligned_(aligned) {}

  // Elements of the access at `at` that lie inside the row.
  WL_DEVICE int count(int64_t at) const {
    const int64_t rest = length_ - at;
    return rest < 0 ? 0 : rest < V ? static_cast<int>(rest) : V;
  }

  // K accesses, whose whole ones are all under way before the first is used: place(i) tells where access i's row begins
  // in the tensor, and where in the row it is. `fill` past the row's end.
  struct Place {
    int64_t begin, at;
  };
  template <int K, class PlaceOf>
  WL_DEVICE void load(const Elements& e, PlaceOf place, float fill, float (&h)[K][V],
                      Site s = Site::here()) const {
    RawElements raw[K];
    WL_UNROLL
    for (int i = 0; i < K; ++i) {
      const Place p = place(i);
      raw[i] = {};
      if (whole(p.at)) raw[i] = load_raw<V>(e, p.begin + p.at, s);
    }
    WL_UNROLL
    for (int i = 0; i < K; ++i) {
      const Place p = place(i);
      if (whole(p.at)) {
        unpack(e.dtype, raw[i], h[i]);
      } else {
        const int n = count(p.at);
        WL_UNROLL
        for (int j = 0; j < V; ++j) h[i][j] = j < n ? load_one(e, p.begin + p.at + j, s) : fill;
      }
    }
  }
  WL_DEVICE void store(const Elements& e, int64_t begin, int64_t at, const float (&h)[V],
                       Site s = Site::here()) const {
    if (whole(at)) return cuda::store(e, begin + at, h, s);
    const int n = count(at);
    WL_UNROLL
    for (int j = 0; j < V; ++j) {
      if (j < n) store_one(e, begin + at + j, h[j], s);
    }
  }

 private:
  WL_DEVICE bool whole(int64_t at) const { return aligned_ && at + V <= length_; }

  int64_t length_;
  bool aligned_;
};

// The row of a team, cut into tiles.
template <int V>
class TeamRow : public Row<V> {
 public:
  // `length` 0 for a team without a row.
  WL_DEVICE TeamRow(const Team& team, int64_t length, bool aligned)
      : Row<V>(length, aligned), first_(team.rank() * V), step_(team.threads() * V) {}

  // Where access i of a tile is.
  WL_DEVICE int64_t at(uint32_t tile, int i) const {
    return first_ + (tile * int64_t{kRowAccesses} + i) * int64_t{step_};
  }
  // A tile of the row that begins at element `begin` of a tensor.
  WL_DEVICE void load_tile(const Elements& e, int64_t begin, uint32_t tile, float fill,
                           float (&h)[kRowAccesses][V], Site s = Site::here()) const {
    this->load(
        e,
        [&](int i) {
          return typename Row<V>::Place{begin, at(tile, i)};
        },
        fill, h, s);
  }

 private:
  uint32_t first_, step_;
};

}  // namespace wl::cuda
