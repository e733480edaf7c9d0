// The CPU kernels of the family kv_cache. Parameters are checked by the callers in api/.
#pragma once

#include <warpline/kv_cache.h>

namespace wl::cpu {

void kv_append(const wl_kv_append_params& p);

}  // namespace wl::cpu
