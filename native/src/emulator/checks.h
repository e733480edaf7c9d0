// What the checked build keeps for a block, and how it reports each finding once.
#pragma once

#include "emulator/clocks.h"
#include "emulator/shadow_shared.h"
#include "emulator/traffic.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

struct BlockChecks {
  BlockClocks clocks;
  SharedShadow shared;
  TrafficMeter traffic;
};

// Counts an access of the calling lane. One of the addresses may be absent.
void count_traffic(Thread& thread, const char* operation, const uint32_t* shared_address,
                   const void* global_address, uint32_t bytes, Site site);

// True where this pair of places has not been reported yet.
bool first_time(const char* kind, Site site, Site other);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
