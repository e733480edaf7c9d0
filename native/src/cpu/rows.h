// What ops that work row by row share: the address of a row, the cut into tasks, the names of kernels.
#pragma once

#include <warpline/core.h>

#include <algorithm>
#include <cstdint>

#include "core/options.h"
#include "core/rounding.h"
#include "cpu/arena.h"

namespace wl::cpu {

// Offset, in elements, of row i: the leading axes of a tensor counted as one.
inline int64_t row_offset(const wl_tensor& t, int64_t i) {
  int64_t offset = 0;
  for (int axis = t.rank - 2; axis > 0; --axis) {
    offset += i % t.shape[axis] * t.strides[axis];
    i /= t.shape[axis];
  }
  return t.rank < 2 ? 0 : offset + i * t.strides[0];
}

// Elements that are worth a task: some ten microseconds of work.
constexpr int64_t kTaskElements = 1 << 15;

// Runs body(row, slot) for every row. Small work is one task.
template <class F>
void for_rows(const Arena& arena, int64_t rows, int64_t row_elements, F&& body) {
  const int64_t chunk = std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, row_elements));
  auto task = [&](int64_t t, int slot) {
    const int64_t begin = t * chunk, end = begin + std::min(chunk, rows - begin);
    for (int64_t i = begin; i < end; ++i) body(i, slot);
  };
  arena.run(rows / chunk + (rows % chunk != 0), task);
}

// Row buffers hold whole vectors of any instruction set.
constexpr int64_t kRowPadding = 16;
constexpr int64_t padded(int64_t n) { return round_up(n, kRowPadding); }

// Names for wl_last_kernel(), by AVX-512 or not and by the type of the input.
struct KernelNames {
  const char* names[2][3];
  const char* of(bool avx512, int32_t dtype) const { return names[avx512][dtype - WL_DTYPE_FLOAT32]; }
};
#define WL_KERNEL_NAMES(stem)                                                   \
  {                                                                             \
    {                                                                           \
      {stem ".avx2.float32", stem ".avx2.float16", stem ".avx2.bfloat16"}, {    \
        stem ".avx512.float32", stem ".avx512.float16", stem ".avx512.bfloat16" \
      }                                                                         \
    }                                                                           \
  }

inline bool use_avx512() { return isa() >= Isa::kAvx512; }

}  // namespace wl::cpu
