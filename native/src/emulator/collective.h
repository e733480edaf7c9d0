// Warp-wide operations: lanes gather, the last to arrive carries the operation out for all.
#pragma once

#include "emulator/block.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

// Waits for the lanes of `mask` that have not exited; `complete` then sees the argument of each lane that came, and
// answers whether they go on (where not, it sees to it that they do later). All must call it with the same operation,
// mask and site. `number` is for reports.
void rendezvous(const char* operation, Complete complete, uint32_t mask, void* argument, Site site,
                uint32_t number = 0);
// The same for all lanes of the warp, none of which may have exited.
void rendezvous_aligned(const char* operation, Complete complete, void* argument, Site site);

void collectives_after_exit(Block& block, Warp& warp);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
