// The head of packed weights: writing it, and checking one that may come from anywhere.
#pragma once

#include <warpline/gemm.h>

namespace wl {

// Bytes of header and panels together; fails where n, k or the result are out of range.
uint64_t packed_weight_bytes(int32_t dtype, int64_t n, int64_t k, const char* name);

wl_packed_weight_header packed_weight_header(int32_t dtype, int64_t n, int64_t k);

// Checks the header at `packed` in all its fields, and that `packed_bytes` hold what it promises.
wl_packed_weight_header read_packed_weight(const void* packed, uint64_t packed_bytes, const char* name);

inline const void* packed_panels(const void* packed) {
  return static_cast<const char*>(packed) + sizeof(wl_packed_weight_header);
}

}  // namespace wl
