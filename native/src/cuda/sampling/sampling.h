// The CUDA kernels of the family sampling, for the table of core/cuda_backend.h. Parameters are checked by the callers in
// api/, but for the contents of index arrays and settings.
#pragma once

#include <warpline/sampling.h>

#include "core/launch.h"

namespace wl::cuda {

void argmax(const wl_argmax_params& p, const Launch& at);
void sample(const wl_sample_params& p, const Launch& at);

}  // namespace wl::cuda
