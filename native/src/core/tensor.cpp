#include "core/tensor.h"

#include <algorithm>
#include <cstdint>

#include "core/failure.h"

namespace wl {
namespace {

constexpr const char* kNames[] = {"none", "float32", "float16", "bfloat16", "int32"};
constexpr int64_t kSizes[] = {0, 4, 2, 2, 4};
constexpr int32_t kDtypes = 5;

constexpr const char* kSmallEnough = "small enough for a tensor of under 2^63 bytes";

std::string described(int32_t dtype) { return dtype_name(dtype) + " (" + text(dtype) + ")"; }

std::string described(DtypeSet set) {
  std::string names;
  for (int32_t d = 1; d < kDtypes; ++d) {
    if ((set & dtype_bit(d)) == 0) continue;
    const bool last = (set >> (d + 1)) == 0;
    names += names.empty() ? "" : last ? " or " : ", ";
    names += kNames[d];
  }
  return names;
}

std::string element(const char* name, const char* field, int axis) {
  return std::string(name) + "." + field + "[" + text(axis) + "]";
}

// Elements from the first to one past the last that the view touches; fails where that leaves the address
// space.
void require_span(const wl_tensor& t, const char* name) {
  int64_t last = 0;
  bool empty = false;
  for (int axis = 0; axis < t.rank; ++axis) {
    if (t.shape[axis] < 0) invalid(element(name, "shape", axis), text(t.shape[axis]), "at least 0");
    if (t.strides[axis] < 0) invalid(element(name, "strides", axis), text(t.strides[axis]), "at least 0");
    empty |= t.shape[axis] == 0;
  }
  // Strides count even where an axis is empty or has one element: they may be multiplied before that is seen.
  int64_t count = 1;
  for (int axis = 0; axis < t.rank; ++axis) {
    int64_t reach = 0;
    if (__builtin_mul_overflow(t.strides[axis], element_size(t.dtype), &reach)) {
      invalid(element(name, "strides", axis), text(t.strides[axis]), kSmallEnough);
    }
    if ((!empty && __builtin_mul_overflow(count, t.shape[axis], &count)) ||
        __builtin_mul_overflow(std::max<int64_t>(t.shape[axis], 1) - 1, reach, &reach)) {
      invalid(element(name, "shape", axis), text(t.shape[axis]), kSmallEnough);
    }
  }
  if (empty) return;
  for (int axis = 0; axis < t.rank; ++axis) {
    if (__builtin_add_overflow(last, (t.shape[axis] - 1) * t.strides[axis], &last)) {
      invalid(element(name, "shape", axis), text(t.shape[axis]), kSmallEnough);
    }
  }
  int64_t bytes = 0;
  if (__builtin_add_overflow(last, 1, &last) || __builtin_mul_overflow(last, element_size(t.dtype), &bytes) ||
      __builtin_mul_overflow(count, element_size(t.dtype), &count)) {
    invalid(std::string(name) + ".shape", text(last) + " elements", kSmallEnough);
  }
  if (t.data == nullptr) invalid(std::string(name) + ".data", "NULL", "an address: the tensor is not empty");
  const auto address = reinterpret_cast<uintptr_t>(t.data);
  if (address % static_cast<uintptr_t>(element_size(t.dtype)) != 0) {
    invalid(std::string(name) + ".data", "misaligned",
            "aligned to its elements of " + text(element_size(t.dtype)) + " bytes");
  }
  if (address + static_cast<uintptr_t>(bytes) < address) {
    invalid(std::string(name) + ".data", "an address whose tensor would wrap around",
            "within the address space");
  }
}

}  // namespace

int64_t element_size(int32_t dtype) { return dtype >= 0 && dtype < kDtypes ? kSizes[dtype] : 0; }

std::string dtype_name(int32_t dtype) { return dtype >= 0 && dtype < kDtypes ? kNames[dtype] : "unknown"; }

int64_t elements(const wl_tensor& t) {
  for (int axis = 0; axis < t.rank; ++axis) {
    if (t.shape[axis] == 0) return 0;  // First: the other extents may be too large to multiply.
  }
  int64_t count = 1;
  for (int axis = 0; axis < t.rank; ++axis) count *= t.shape[axis];
  return count;
}

void require_tensor(const wl_tensor& t, const char* name, DtypeSet dtypes, int min_rank, int max_rank,
                    LastStride last) {
  if (!present(t)) invalid(name, "absent (dtype 0)", "given, as " + described(dtypes));
  if (t.dtype < 0 || t.dtype >= kDtypes || (dtypes & dtype_bit(t.dtype)) == 0) {
    invalid(std::string(name) + ".dtype", described(t.dtype), described(dtypes));
  }
  if (t.rank < min_rank || t.rank > max_rank) {
    const std::string ranks =
        min_rank == max_rank ? text(min_rank) : text(min_rank) + " to " + text(max_rank);
    invalid(std::string(name) + ".rank", text(t.rank), ranks);
  }
  if (t.reserved[0] != 0 || t.reserved[1] != 0) {
    fail(WL_STATUS_UNSUPPORTED, std::string(name) + ".reserved", "set", "zero");
  }
  require_span(t, name);
  if (last == LastStride::kUnit && t.rank > 0 && t.shape[t.rank - 1] > 1 && t.strides[t.rank - 1] != 1) {
    invalid(element(name, "strides", t.rank - 1), text(t.strides[t.rank - 1]), "1");
  }
}

void require_extent(const wl_tensor& t, const char* name, int axis, int64_t expected, const char* why) {
  if (t.shape[axis] != expected) {
    invalid(element(name, "shape", axis), text(t.shape[axis]), text(expected) + ", " + why);
  }
}

void require_same_shape(const wl_tensor& t, const char* name, const wl_tensor& as, const char* as_name) {
  if (t.rank != as.rank) {
    invalid(std::string(name) + ".rank", text(t.rank), text(as.rank) + ", the rank of " + as_name);
  }
  const std::string why = std::string("the extent of ") + as_name;
  for (int axis = 0; axis < t.rank; ++axis) require_extent(t, name, axis, as.shape[axis], why.c_str());
}

void require_distinct(const wl_tensor& t, const char* name) {
  // Axis by axis, from the smallest stride up: a step must pass all that the smaller axes reach.
  bool done[WL_MAX_RANK] = {};
  int64_t reach = 0;  // of the axes done; the span was checked for overflow
  if (elements(t) == 0) return;
  for (int round = 0; round < t.rank; ++round) {
    int axis = -1;
    for (int a = 0; a < t.rank; ++a) {
      if (!done[a] && (axis < 0 || t.strides[a] < t.strides[axis])) axis = a;
    }
    done[axis] = true;
    if (t.shape[axis] == 1) continue;
    if (t.strides[axis] <= reach) {
      invalid(element(name, "strides", axis), text(t.strides[axis]),
              "at least " + text(reach + 1) + ": elements of an output must not share memory");
    }
    reach += (t.shape[axis] - 1) * t.strides[axis];
  }
}

void require_dtype(const wl_tensor& t, const char* name, int32_t first, int32_t second, const char* why) {
  if (t.dtype == first || t.dtype == second) return;
  const DtypeSet allowed = dtype_bit(first) | dtype_bit(second);
  invalid(std::string(name) + ".dtype", described(t.dtype), described(allowed) + ", " + why);
}

void require_combination(const wl_tensor& a, const char* a_name, const wl_tensor& b, const char* b_name) {
  const DtypeSet both = dtype_bit(a.dtype) | dtype_bit(b.dtype);
  const DtypeSet halves = dtype_bit(WL_DTYPE_FLOAT16) | dtype_bit(WL_DTYPE_BFLOAT16);
  if ((both & halves) != halves) return;
  fail(WL_STATUS_UNSUPPORTED, std::string(a_name) + ".dtype", described(a.dtype),
       "float32 or the type of " + std::string(b_name) + ", " + described(b.dtype));
}

void require_offsets(const wl_tensor& t, const char* name, int64_t count, int64_t total,
                     const char* total_name, bool readable) {
  require_tensor(t, name, kInt32, 1, 1, LastStride::kFree);
  if (t.shape[0] - 1 != count) {
    invalid(element(name, "shape", 0), text(t.shape[0]),
            text(static_cast<uint64_t>(count) + 1) + ", one more than the sequences");
  }
  if (!readable) return;
  int64_t previous = 0;
  for (int64_t i = 0; i <= count; ++i) {
    const int64_t offset = index_at(t, i);
    if (offset < previous) {
      invalid(std::string(name) + "[" + text(i) + "]", text(offset), "at least " + text(previous));
    }
    previous = offset;
  }
  if (previous > total) {
    invalid(std::string(name) + "[" + text(count) + "]", text(previous),
            "at most " + text(total) + ", the rows of " + total_name);
  }
}

}  // namespace wl
