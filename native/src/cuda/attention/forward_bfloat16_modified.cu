#include "cuda/attention/instance.h"

namespace wl::cuda {

const AttentionInstances<ModifiedScore> kAttentionModifiedBFloat16 =
    attention_instances<tile::BFloat16, ModifiedScore>();

}  // namespace wl::cuda
