// Attention on CUDA: the entries of the backend's table.
#pragma once

#include <warpline/attention.h>

#include <cstdint>

#include "core/launch.h"

namespace wl::cuda {

void attention(const wl_attention_params& p, const Launch& at, int64_t batch);
uint64_t attention_workspace(const wl_attention_params& p, const Launch& at, int64_t batch);

}  // namespace wl::cuda
