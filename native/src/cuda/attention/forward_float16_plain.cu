#include "cuda/attention/instance.h"

namespace wl::cuda {

const AttentionInstances kAttentionPlainFloat16 = attention_instances<tile::Float16, PlainScore>();

}  // namespace wl::cuda
