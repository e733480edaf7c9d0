#include "cuda/attention/instance.h"

namespace wl::cuda {

const AttentionInstances<ModifiedScore> kAttentionModifiedFloat32 =
    attention_instances<tile::Float32, ModifiedScore>();

}  // namespace wl::cuda
