// The layer's ops, the cache's append and sampling as small calls on the emulated device.
#pragma once

#include <string>
#include <vector>

#include "emulator/proof.h"
#include "support/matrix.h"

namespace wl::test {

Bytes norm(int32_t kind, int32_t type, int32_t y_type, int64_t rows, int64_t columns);
Bytes softmax(uint32_t flags, int32_t type, int64_t rows, int64_t columns);
Bytes activation(int32_t activation, int32_t type, int32_t y_type, int64_t columns = 384);
Matrix embedded(const std::vector<int32_t>& ids, int32_t type, int32_t y_type, int64_t columns = 256);
Matrix pooled(int32_t kind, const std::vector<int32_t>& offsets, int32_t type);
// With other values than random ones, x is 1 throughout, sin 0 and cos 2: a rotated element becomes 2.
Buffer roped(uint32_t flags, const std::vector<int32_t>& positions, int32_t type, bool random_values = true,
             int64_t dimension = 128);
// The cache of keys after an append of tokens of ones to a cache of twos, [3, 8, 2, dimension].
Buffer appended(const std::vector<int32_t>& lengths, const std::vector<int32_t>& offsets, int32_t type,
                int64_t dimension = 64);

struct Sampled {
  std::vector<double> ids, log_probabilities;
};
Sampled sampled(const std::vector<double>& logits, int32_t type, const wl_sampling_row& s, int64_t draws,
                const std::vector<int32_t>& history = {});
// All filters and penalties.
Bytes sampled_bytes(int32_t type, int64_t columns, int64_t draws);
Bytes argmax(int32_t type, int64_t columns);

// One call at least of each kernel for aligned rows.
std::vector<KernelCall> layer_calls();

}  // namespace wl::test
