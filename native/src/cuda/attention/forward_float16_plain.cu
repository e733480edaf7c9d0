#include "cuda/attention/instance.h"

namespace wl::cuda {

const AttentionInstances<PlainScore> kAttentionPlainFloat16 =
    attention_instances<tile::Float16, PlainScore>();
const AttentionInstances<PlainInvariantScore> kAttentionInvariantFloat16 =
    attention_instances<tile::Float16, PlainInvariantScore>();

}  // namespace wl::cuda
