// A tile: up to kTileRows query rows that share a key head, and their softmax over blocks of keys. Both schedules
// do their arithmetic here, so that a row's bits do not depend on the schedule.
#pragma once

#include "cpu/attention/kernels.h"
#include "cpu/attention/problem.h"
#include "cpu/product.h"

namespace wl::cpu {

// Cuts a scratch block into parts; throws bad_alloc where their sum leaves 64 bits.
class ScratchLayout {
 public:
  // Returns the offset of a new part of `count` elements of `size` bytes.
  uint64_t part(int64_t count, int64_t size);
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t bytes_ = 0;
};

// What a block of keys adds to a tile before it is merged: unnormalised output, maximum and sum of each row.
struct Partial {
  float* output;
  float *max, *sum;
};

// The kernels of a call and the layout of a worker's memory.
class TileEngine {
 public:
  explicit TileEngine(const Problem& problem);

  const Problem& problem() const { return problem_; }
  uint64_t slot_bytes() const { return layout_.bytes(); }

  // One head's packed block.
  uint64_t keys_bytes() const { return keys_bytes_; }
  uint64_t values_bytes() const { return values_bytes_; }
  // Packs the columns of a block, [begin, end) with begin a multiple of 16, out of a head's keys and values.
  void pack(const Sequence& s, int64_t batch, int64_t head, int64_t block, KeyRange columns, std::byte* slot,
            std::byte* keys, std::byte* values) const;

  // Reads the keys and values of a block from one end to the other, for all of some heads, into the cache.
  void fetch(const Sequence& s, int64_t batch, KeyRange heads, int64_t block) const;

  uint64_t partial_bytes(int64_t rows) const;
  Partial partial_at(std::byte* memory) const;

 private:
  friend class Tile;

  const Problem& problem_;
  const ProductKernels& product_;
  const PackKernels& pack_;
  const SoftmaxKernels& softmax_;
  int64_t query_stride_, output_stride_;
  uint64_t keys_bytes_, values_bytes_;
  ScratchLayout layout_;
  uint64_t queries_, scores_, probabilities_, block_, output_, rows_, temp_;
};

// One tile in a worker's memory.
class Tile {
 public:
  // Rows [row_begin, row_end) of a sequence and key head, as Problem::rows counts them.
  Tile(const TileEngine& engine, std::byte* slot, const Sequence& s, int64_t batch, int64_t head,
       int64_t row_begin, int64_t row_end);

  void load_queries();
  // Blocks that some row may attend, and the columns of one of them, rounded out to 16 within the block.
  KeyRange blocks() const;
  KeyRange columns(int64_t block) const;
  // What a packed block adds to these rows.
  void score(int64_t block, const std::byte* keys, const std::byte* values, const Partial& result);
  // The slot's own partial, for a schedule that merges at once.
  Partial scratch_partial() const;
  void clear();
  void merge(const Partial& partial);
  // Divides by the sums, sinks included, and writes o and lse.
  void finish();

 private:
  friend class TileEngine;
  struct Rows;

  const TileEngine& engine_;
  const Problem& problem_;
  const Sequence& sequence_;
  std::byte* slot_;
  Rows* rows_;
  int64_t batch_, head_, row_begin_, count_;
  KeyRange keys_;  // that some row may attend
};

}  // namespace wl::cpu
