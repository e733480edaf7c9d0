// Order among the tokens of a row, and the boundary behind which a filter drops them. Selection, not sorting:
// the time is linear in the vocabulary.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace wl::cpu {

// The last token that is kept: those with a larger value, or an equal value and a lower or equal id, stay.
struct Boundary {
  float value = -std::numeric_limits<float>::infinity();
  int32_t id = std::numeric_limits<int32_t>::max();
};

// A larger key is a larger value, or an equal value at a lower id.
inline uint64_t token_key(float value, int64_t id) {
  const auto bits = std::bit_cast<uint32_t>(value + 0.0f);  // -0 is 0.
  const uint32_t ordered = (bits & 0x80000000u) ? ~bits : bits | 0x80000000u;
  return (uint64_t{ordered} << 32) | (0xffffffffu - static_cast<uint32_t>(id));
}
inline int32_t key_id(uint64_t key) { return static_cast<int32_t>(0xffffffffu - static_cast<uint32_t>(key)); }
inline float key_value(uint64_t key) {
  const auto ordered = static_cast<uint32_t>(key >> 32);
  return std::bit_cast<float>((ordered & 0x80000000u) ? ordered & 0x7fffffffu : ~ordered);
}

struct SamplingPasses;

// The keys of a row's k largest values, in no order, written to `keys`, which has room for n + 16. Returns
// how many they are: fewer than k where fewer are above -infinity.
int64_t select_top_k(const SamplingPasses& passes, const float* values, int64_t n, int64_t k, uint64_t* keys);

// The smallest of some keys, as a boundary.
Boundary lowest(const uint64_t* keys, int64_t count);

// The last key, in falling order, before which less than `mass` of the weight lies. Reorders the keys.
Boundary select_mass(uint64_t* keys, int64_t count, const float* weights, double mass);

}  // namespace wl::cpu
