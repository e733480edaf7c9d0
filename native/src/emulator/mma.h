// The arithmetic of mma.sync for a warp: fragments of all lanes in, accumulators of all lanes out.
#pragma once

#include "emulator/device.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

struct MmaArgument {
  void* d;
  const uint32_t *a, *b;
  const void* c;
};

void compute_mma_16bit(const MmaArgument* const* lanes, bool bfloat16);
// d += a b for 16 x 16 times 16 x 8.
void multiply_16x8x16(const float* a, const float* b, float* d);

void compute_mma_tf32(const MmaArgument* const* lanes);
void compute_mma_s8(const MmaArgument* const* lanes);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
