// The order among the tokens of a row: larger logit first, then lower id, as one integer.
#pragma once

#include "cuda/tile/math.h"

namespace wl::cuda {

// Bits that ids below n need.
inline uint32_t id_bits(int64_t n) {
  uint32_t bits = 1;
  while ((int64_t{1} << bits) < n) ++bits;
  return bits;
}

// Larger for a larger value (not NaN), or an equal value at a lower id: value | complement of id. Above 0.
struct TokenKeys {
  uint32_t id_bits;

  WL_DEVICE uint64_t key(float value, uint32_t id) const {
    const uint32_t bits = ptx::mov_b32_f32(value + 0.0f);  // -0 is 0
    const uint32_t ordered = (bits & 0x80000000u) ? ~bits : bits | 0x80000000u;
    return static_cast<uint64_t>(ordered) << id_bits | (mask() - id);
  }
  WL_DEVICE float value(uint64_t key) const {
    const auto ordered = static_cast<uint32_t>(key >> id_bits);
    return ptx::mov_f32_b32((ordered & 0x80000000u) ? ordered & 0x7fffffffu : ~ordered);
  }
  WL_DEVICE uint32_t id(uint64_t key) const { return mask() - (static_cast<uint32_t>(key) & mask()); }
  WL_DEVICE uint32_t mask() const { return (1u << id_bits) - 1; }
};

}  // namespace wl::cuda
