// The CUDA kernels of the family elementwise, for the table of core/cuda_backend.h. Parameters are checked by the callers
// in api/, but for the contents of index arrays.
#pragma once

#include <warpline/elementwise.h>

#include "core/launch.h"

namespace wl::cuda {

void norm(const wl_norm_params& p, const Launch& at);
void rope(const wl_rope_params& p, const Launch& at);
void activation(const wl_activation_params& p, const Launch& at);
void embedding(const wl_embedding_params& p, const Launch& at);
void pool(const wl_pool_params& p, const Launch& at);
void softmax(const wl_softmax_params& p, const Launch& at);

}  // namespace wl::cuda
