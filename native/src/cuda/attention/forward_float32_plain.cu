#include "cuda/attention/instance.h"

namespace wl::cuda {

const AttentionInstances<PlainScore> kAttentionPlainFloat32 =
    attention_instances<tile::Float32, PlainScore>();
const AttentionInstances<PlainInvariantScore> kAttentionInvariantFloat32 =
    attention_instances<tile::Float32, PlainInvariantScore>();

}  // namespace wl::cuda
