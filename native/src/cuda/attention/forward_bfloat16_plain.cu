#include "cuda/attention/instance.h"

namespace wl::cuda {

const AttentionInstances kAttentionPlainBFloat16 = attention_instances<tile::BFloat16, PlainScore>();

}  // namespace wl::cuda
