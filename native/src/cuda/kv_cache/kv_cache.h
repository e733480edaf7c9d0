// The CUDA kernels of the family kv_cache, for the table of core/cuda_backend.h. Parameters are checked by the callers in
// api/, but for the contents of index arrays.
#pragma once

#include <warpline/kv_cache.h>

#include "core/launch.h"

namespace wl::cuda {

void kv_append(const wl_kv_append_params& p, const Launch& at);

}  // namespace wl::cuda
