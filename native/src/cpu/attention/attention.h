// Attention on the CPU: two schedules over one arithmetic.
#pragma once

#include <warpline/attention.h>

#include <cstdint>

namespace wl::cpu {

// Runs a call whose parameters and index arrays have been checked; `sequences` is its batch.
void attention(const wl_attention_params& params, int64_t sequences);

}  // namespace wl::cpu
