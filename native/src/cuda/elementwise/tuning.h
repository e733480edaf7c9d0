// Tuning of the family elementwise. All rows are bound by memory: a kernel is as good as the bytes that it keeps under
// way. An H100 needs 18 KB a multiprocessor under way to reach its bandwidth (3.35 TB/s times 0.7 us over 132).
#pragma once

#include <cstdint>

namespace wl::cuda {

struct RowTuning {
  uint32_t
      most_threads;  // of a row: with kRowAccesses of 16 bytes, rows up to most_threads * 64 bytes are read once
  const char* bytes;  // that move
};
constexpr RowTuning kNormTuning{512,
                                "x, residual, y, residual_out once each; weight and bias from the caches"};
constexpr RowTuning kSoftmaxTuning{512,
                                   "x and y once each; rows past 32 KiB: x three times, twice from the L2"};

struct ItemTuning {
  uint32_t threads;  // of a block; a thread makes one access of each tensor
  const char* bytes;
};
constexpr ItemTuning kRopeTuning{128,
                                 "x and y once each; cos and sin once a token, the other heads from the L1"};
constexpr ItemTuning kActivationTuning{256, "x, up and y once each"};
constexpr ItemTuning kEmbeddingTuning{256, "the rows of table that ids name, and y, once each"};

struct PoolTuning {
  uint32_t threads;
  int unroll;  // token rows under way in each thread
  const char* bytes;
};
constexpr PoolTuning kPoolTuning{256, 4, "x once (a normalised row of more than a tile: twice), y once"};

}  // namespace wl::cuda
