#include "cuda/attention/instance.h"

namespace wl::cuda {

const AttentionInstances kAttentionModifiedBFloat16 = attention_instances<tile::BFloat16, ModifiedScore>();

}  // namespace wl::cuda
