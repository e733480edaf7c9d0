#include "support/memory.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace wl::bench {

Memory::Memory(int64_t byte_count)
    : bytes(byte_count),
      data(std::aligned_alloc(4096, static_cast<size_t>(byte_count + 4095) & ~size_t{4095})) {
  if (data == nullptr) std::exit(2);
}

Memory::~Memory() { std::free(data); }

void Memory::fill(int32_t dtype) {
  uint32_t state = 12345;
  const int64_t size = size_of(dtype);
  for (int64_t i = 0; i < bytes / size; ++i) {
    state = state * 1664525u + 1013904223u;
    const float value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    if (size == 4) static_cast<uint32_t*>(data)[i] = bits;
    if (size == 2) static_cast<uint16_t*>(data)[i] = static_cast<uint16_t>(bits >> 16);
  }
}

int64_t size_of(int32_t dtype) { return dtype == WL_DTYPE_FLOAT32 ? 4 : 2; }

const char* name_of(int32_t dtype) { return dtype == WL_DTYPE_FLOAT32 ? "fp32" : "bf16"; }

wl_tensor dense(void* data, int32_t dtype, std::initializer_list<int64_t> shape) {
  wl_tensor t{};
  t.data = data;
  t.dtype = dtype;
  for (const int64_t extent : shape) t.shape[t.rank++] = extent;
  int64_t stride = 1;
  for (int axis = t.rank - 1; axis >= 0; --axis) {
    t.strides[axis] = stride;
    stride *= t.shape[axis];
  }
  return t;
}

void check(wl_status status) {
  if (status == WL_STATUS_OK) return;
  std::fprintf(stderr, "%s\n", wl_last_error());
  std::exit(2);
}

}  // namespace wl::bench
