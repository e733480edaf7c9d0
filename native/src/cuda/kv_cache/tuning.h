// Tuning of the family kv_cache: bound by memory.
#pragma once

#include <cstdint>

namespace wl::cuda {

struct AppendTuning {
  uint32_t threads;  // of a block; a thread makes one access of a tensor and its cache, two of keys in halves
  const char* bytes;
};
constexpr AppendTuning kAppendTuning{128, "k and v once, the caches' new rows once; tables once a token"};

}  // namespace wl::cuda
