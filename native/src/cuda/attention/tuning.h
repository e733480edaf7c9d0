// Tile shapes of the attention kernels, one for each bucket of head dimensions, and what binds each.
//
// Shared memory: q, and a ring of stages that each hold a tile of keys or of values. At most 99 KiB, which is what a block
// can have on compute capability 8.6 and 8.9; 163 KiB are an SM's on 8.0, 227 KiB on 9.0, so that two blocks of 80 KiB
// share one. Registers: a thread of kRows = 32 rows a warp holds keys / 2 scores and d_v outputs (half of it for 16), of
// 255.
#pragma once

#include "cuda/tile/element.h"

namespace wl::cuda {

enum class Binds { kExponentials, kTensorCores, kMultiplyAdds, kSharedMemory };

constexpr int kAttentionWorkBytes = 64;  // AttentionWork and AttentionKeys

struct AttentionTuning {
  int d_qk, d_v;  // the largest head dimensions
  int warps;
  int warp_rows;      // 16 or 32 query rows of a warp
  int keys;           // of a tile
  int modified_keys;  // of a tile where scores are modified, which takes registers
  int stages;         // tiles in the ring
  int blocks;         // of an SM, which bounds registers
  Binds binds;

  constexpr int threads() const { return warps * 32; }
  constexpr int rows() const { return warps * warp_rows; }
  constexpr int stage_bytes(int element_bytes) const {
    return keys * (d_qk > d_v ? d_qk : d_v) * element_bytes;
  }
  constexpr int query_bytes(int element_bytes) const {
    return rows() * (d_qk > d_v ? d_qk : d_v) * element_bytes;
  }
  constexpr int shared_bytes(int element_bytes) const {
    return query_bytes(element_bytes) + stages * stage_bytes(element_bytes) + kAttentionWorkBytes;
  }
};

constexpr int kAttentionBuckets = 7;
constexpr int kAttentionSharedLimit = 99 * 1024;

// 16-bit elements.
// clang-format off
constexpr AttentionTuning kAttentionTuning16[kAttentionBuckets] = {
    //d_qk d_v warps rows keys modified stages blocks
    { 32,  32,  4,  32,  64,  64,  4,  2, Binds::kExponentials},
    { 64,  64,  4,  32,  96,  64,  3,  2, Binds::kExponentials},
    { 96,  96,  4,  32,  48,  32,  3,  2, Binds::kTensorCores},
    {128, 128,  8,  16,  64,  64,  3,  1, Binds::kTensorCores},
    {192, 128,  8,  16,  64,  64,  2,  1, Binds::kSharedMemory},
    {192, 192,  8,  16,  64,  64,  2,  1, Binds::kSharedMemory},
    {256, 256,  8,  16,  32,  32,  2,  1, Binds::kSharedMemory},
};

// float32, by fused multiply-adds.
constexpr AttentionTuning kAttentionTuning32[kAttentionBuckets] = {
    { 32,  32,  4,  16,  32,  32,  4,  3, Binds::kMultiplyAdds},
    { 64,  64,  4,  16,  32,  32,  4,  2, Binds::kMultiplyAdds},
    { 96,  96,  4,  16,  32,  32,  3,  2, Binds::kMultiplyAdds},
    {128, 128,  4,  16,  32,  32,  3,  2, Binds::kMultiplyAdds},
    {192, 128,  4,  16,  32,  32,  2,  1, Binds::kMultiplyAdds},
    {192, 192,  4,  16,  32,  32,  2,  1, Binds::kMultiplyAdds},
    {256, 256,  4,  16,  16,  16,  2,  1, Binds::kMultiplyAdds},
};
// clang-format on

constexpr const AttentionTuning& attention_tuning(bool two_bytes, int bucket) {
  return two_bytes ? kAttentionTuning16[bucket] : kAttentionTuning32[bucket];
}
template <class Element, class Score>
constexpr AttentionTuning attention_tuning(int bucket) {
  AttentionTuning tuning = attention_tuning(sizeof(typename Element::Bits) == 2, bucket);
  if (Score::kModifiedTiles) tuning.keys = tuning.modified_keys;
  return tuning;
}

// The first bucket that holds the head dimensions; -1 where none does.
constexpr int attention_bucket(int64_t d_qk, int64_t d_v) {
  for (int bucket = 0; bucket < kAttentionBuckets; ++bucket) {
    if (d_qk <= kAttentionTuning16[bucket].d_qk && d_v <= kAttentionTuning16[bucket].d_v) return bucket;
  }
  return -1;
}

constexpr bool attention_tuning_fits() {
  for (int bucket = 0; bucket < kAttentionBuckets; ++bucket) {
    if (kAttentionTuning16[bucket].shared_bytes(2) > kAttentionSharedLimit) return false;
    if (kAttentionTuning32[bucket].shared_bytes(4) > kAttentionSharedLimit) return false;
    if (kAttentionTuning16[bucket].d_qk != kAttentionTuning32[bucket].d_qk) return false;
    if (kAttentionTuning16[bucket].d_v != kAttentionTuning32[bucket].d_v) return false;
  }
  return true;
}
static_assert(attention_tuning_fits());

}  // namespace wl::cuda
