// The CPU kernels of the family sampling. Parameters are checked by the callers in api/.
#pragma once

#include <warpline/sampling.h>

namespace wl::cpu {

void argmax(const wl_argmax_params& p);

// Fails with INVALID_ARGUMENT, before anything is written, where a row has nothing to choose.
void sample(const wl_sample_params& p);

}  // namespace wl::cpu
