// From checked tensors of the C API to what kernels take: addresses, strides, the widest access that fits.
#pragma once

#include <warpline/core.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>

#include "core/failure.h"
#include "core/tensor.h"
#include "cuda/tile/elements.h"
#include "cuda/tile/items.h"

namespace wl::cuda {

// The address of an empty tensor may be anything.
inline void* data_of(const wl_tensor& t) { return present(t) && elements(t) > 0 ? t.data : nullptr; }

inline Elements elements_of(const wl_tensor& t) { return {data_of(t), t.dtype}; }

inline const int32_t* indices_of(const wl_tensor& t) { return static_cast<const int32_t*>(data_of(t)); }

// Elements of an access (tile/elements.h) where all addresses allow it. Absent tensors do not count.
inline int access_width(std::initializer_list<const wl_tensor*> tensors) {
  int64_t widest = 0;
  for (const wl_tensor* t : tensors) widest = std::max(widest, element_size(t->dtype));
  return widest == 4 ? 4 : 8;
}

// Whether each row, and so each access of `width` elements in it, is aligned to the access.
inline bool rows_aligned(std::initializer_list<const wl_tensor*> tensors, int width) {
  for (const wl_tensor* t : tensors) {
    if (!present(*t)) continue;
    if (reinterpret_cast<uintptr_t>(t->data) % static_cast<uintptr_t>(width * element_size(t->dtype)) != 0)
      return false;
    for (int axis = 0; axis + 1 < t->rank; ++axis) {
      if (t->shape[axis] > 1 && t->strides[axis] % width != 0) return false;
    }
  }
  return true;
}

// Kernels that work row by row count rows in 31 bits, those that work item by item chunks of a row.
inline void require_rows(int64_t rows, const char* name) {
  if (rows <= std::numeric_limits<int32_t>::max()) return;
  fail(WL_STATUS_UNSUPPORTED, name, text(rows) + " rows", "fewer than 2^31 rows on CUDA");
}
inline void require_row_items(int64_t parts, int64_t elements, const char* name) {
  if (elements <= kMostChunks / (parts > 1 ? parts : 1)) return;
  fail(WL_STATUS_UNSUPPORTED, name, text(parts) + " times " + text(elements) + " elements in a row",
       "at most " + text(kMostChunks) + " elements in a row on CUDA");
}

}  // namespace wl::cuda
