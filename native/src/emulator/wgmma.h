// wgmma: products of a warp group that read shared memory and add to registers behind its back. Each of the four warps
// computes its own 16 of the 64 rows.
#pragma once

#include <array>
#include <vector>

#include "emulator/device.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

constexpr int kWgmmaRegisters = 32;  // m64n64: accumulators of a thread

struct GroupProduct {
  uint64_t a, b;  // matrix descriptors
  bool accumulate, transpose_a, transpose_b;
  Site site;
  std::array<float*, 32> d;  // by lane
  friend bool same_operation(const GroupProduct& x, const GroupProduct& y) {
    return x.a == y.a && x.b == y.b && x.accumulate == y.accumulate && x.transpose_a == y.transpose_a &&
           x.transpose_b == y.transpose_b;
  }
};

// Of one warp.
struct GroupProducts {
  bool fenced = false;  // wgmma.fence since the registers were last the warp's own
  std::vector<GroupProduct> issued;
  std::vector<uint32_t> groups;  // products up to the end of each committed group
  // The true accumulators while the registers are poisoned, by lane.
  std::array<std::array<float, kWgmmaRegisters>, 32> accumulators;
  uint64_t count = 0;  // products so far
};

// Of one warp group: what its first warp issued, for the others to agree with.
struct GroupOrder {
  std::vector<GroupProduct> issued;
};

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
