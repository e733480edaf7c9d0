// Tuning of the family sampling: a block works on a row. One row (decode) is bound by what one multiprocessor reads, some
// 170 GB/s: a row of 128k bfloat16 logits takes 2 us a pass from the L2.
#pragma once

#include <cstdint>

namespace wl::cuda {

struct SamplingTuning {
  uint32_t most_threads;  // of a block
  int accesses;           // under way in each thread
  const char* bytes;
};
constexpr SamplingTuning kArgmaxTuning{512, 4, "logits once"};
constexpr SamplingTuning kSampleTuning{512, 2,
                                       "logits once from memory, then a pass over the L2 for each of: "
                                       "log-probability, total of the weights, five "
                                       "or six steps of top-k, as many of top-p, draw (half a pass)"};

}  // namespace wl::cuda
