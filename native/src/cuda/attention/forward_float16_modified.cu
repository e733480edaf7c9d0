#include "cuda/attention/instance.h"

namespace wl::cuda {

const AttentionInstances<ModifiedScore> kAttentionModifiedFloat16 =
    attention_instances<tile::Float16, ModifiedScore>();

}  // namespace wl::cuda
