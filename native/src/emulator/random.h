// The emulator's random numbers: splitmix64, the same for a seed on every machine.
#pragma once

#include <cstdint>

#include "emulator/mode.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

inline uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit Random(uint64_t seed = 0) : state_(seed) {}
  uint64_t next() { return mix(state_++); }
  uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  uint64_t state_;
};

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
