#include "cuda/attention/instance.h"

namespace wl::cuda {

const AttentionInstances kAttentionPlainFloat32 = attention_instances<tile::Float32, PlainScore>();

}  // namespace wl::cuda
