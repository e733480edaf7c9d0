// Checks of tensor views, shared by all op families.
#pragma once

#include <warpline/core.h>

#include <initializer_list>
#include <string>

namespace wl {

// Sets of element types, for checks and messages.
using DtypeSet = uint32_t;
constexpr DtypeSet dtype_bit(int32_t dtype) { return 1u << dtype; }
constexpr DtypeSet kFloat32 = dtype_bit(WL_DTYPE_FLOAT32);
constexpr DtypeSet kFloats = kFloat32 | dtype_bit(WL_DTYPE_FLOAT16) | dtype_bit(WL_DTYPE_BFLOAT16);
constexpr DtypeSet kInt32 = dtype_bit(WL_DTYPE_INT32);

// Bytes of an element; 0 for NONE and unknown types.
int64_t element_size(int32_t dtype);
// "float32", or the number for an unknown type.
std::string dtype_name(int32_t dtype);

inline bool present(const wl_tensor& t) { return t.dtype != WL_DTYPE_NONE; }
// Number of elements of a checked tensor.
int64_t elements(const wl_tensor& t);

enum class LastStride { kUnit, kFree };

// Requires presence, a type of the set, a rank in [min_rank, max_rank], extents and strides of at least 0
// whose span fits the address space, data that is there and aligned to its elements, and (kUnit) a last
// stride of 1.
void require_tensor(const wl_tensor& t, const char* name, DtypeSet dtypes, int min_rank, int max_rank,
                    LastStride last = LastStride::kUnit);
// As require_tensor for one rank.
inline void require_tensor(const wl_tensor& t, const char* name, DtypeSet dtypes, int rank) {
  require_tensor(t, name, dtypes, rank, rank);
}

// Requires shape[axis] == expected; `why` completes "must be 64, the K of weight".
void require_extent(const wl_tensor& t, const char* name, int axis, int64_t expected, const char* why);
// Requires the same rank and extents.
void require_same_shape(const wl_tensor& t, const char* name, const wl_tensor& as, const char* as_name);
// Requires that no two elements share memory: broadcast strides are for inputs.
void require_distinct(const wl_tensor& t, const char* name);
// Requires one of two types that both ops sides know, e.g. "x's type or float32".
void require_dtype(const wl_tensor& t, const char* name, int32_t first, int32_t second, const char* why);
// Refuses float16 with bfloat16.
void require_combination(const wl_tensor& a, const char* a_name, const wl_tensor& b, const char* b_name);
// Requires offsets [count + 1] and, where they are readable here, that they begin at 0 or later, never decrease and end
// at or before total.
void require_offsets(const wl_tensor& t, const char* name, int64_t count, int64_t total,
                     const char* total_name, bool readable);

// The element at an index of an index array, or the address of a row.
inline int32_t index_at(const wl_tensor& t, int64_t i) {
  return static_cast<const int32_t*>(t.data)[i * t.strides[0]];
}
template <class T>
T* row(const wl_tensor& t, int64_t i) {
  auto* data = static_cast<T*>(t.data);
  return data == nullptr ? nullptr : data + i * t.strides[0];  // a tensor without elements may lie at null
}

}  // namespace wl
