#include "cuda/attention/instance.h"

namespace wl::cuda {

const AttentionInstances<PlainScore> kAttentionPlainBFloat16 =
    attention_instances<tile::BFloat16, PlainScore>();
const AttentionInstances<PlainInvariantScore> kAttentionInvariantBFloat16 =
    attention_instances<tile::BFloat16, PlainInvariantScore>();

}  // namespace wl::cuda
