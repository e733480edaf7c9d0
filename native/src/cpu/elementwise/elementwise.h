// The CPU kernels of the family elementwise. Parameters are checked by the callers in api/.
#pragma once

#include <warpline/elementwise.h>

namespace wl::cpu {

void norm(const wl_norm_params& p);
void rope_table(const wl_rope_table_params& p);
void rope(const wl_rope_params& p);
void activation(const wl_activation_params& p);
void embedding(const wl_embedding_params& p);
void pool(const wl_pool_params& p);
void softmax(const wl_softmax_params& p);

}  // namespace wl::cpu
