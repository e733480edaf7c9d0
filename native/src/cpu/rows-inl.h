// Rows of any element type to float32 buffers and back, and sums in double, once for each target.
#if defined(WARPLINE_CPU_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WARPLINE_CPU_ROWS_INL_H_
#undef WARPLINE_CPU_ROWS_INL_H_
#else
#define WARPLINE_CPU_ROWS_INL_H_
#endif

#include <cstring>
#include <limits>

#include "core/convert.h"
#include "cpu/rows.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

constexpr int64_t kLanes = static_cast<int64_t>(HWY_LANES(float));
using F64 = hn::ScalableTag<double>;
using VD = hn::Vec<F64>;

// Lanes of a vector as two vectors of doubles.
HWY_INLINE VD lower_double(VF v) { return hn::PromoteTo(F64(), hn::LowerHalf(hn::Half<F32>(), v)); }
HWY_INLINE VD upper_double(VF v) { return hn::PromoteTo(F64(), hn::UpperHalf(hn::Half<F32>(), v)); }

template <class Type>
HWY_INLINE void widen_as(Type type, const void* data, int64_t offset, int64_t n, float* out, int32_t dtype) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) hn::StoreU(load(type, data, offset + i), F32(), out + i);
  for (; i < n; ++i) out[i] = load_float(data, dtype, offset + i);
}

// out[0, n) = data[offset, offset + n) as float32.
HWY_INLINE void widen(int32_t dtype, const void* data, int64_t offset, int64_t n, float* out) {
  switch (dtype) {
    case WL_DTYPE_FLOAT16:
      return widen_as(Float16(), data, offset, n, out, dtype);
    case WL_DTYPE_BFLOAT16:
      return widen_as(BFloat16(), data, offset, n, out, dtype);
    default:
      std::memcpy(out, static_cast<const float*>(data) + offset, static_cast<size_t>(n) * sizeof(float));
  }
}

// As widen; the rest of the buffer up to whole vectors takes the value `fill`.
HWY_INLINE void widen_padded(int32_t dtype, const void* data, int64_t offset, int64_t n, float fill,
                             float* out) {
  widen(dtype, data, offset, n, out);
  for (int64_t i = n; i < padded(n); ++i) out[i] = fill;
}

// data[offset, offset + n) = in[0, n), rounded to the type.
HWY_INLINE void narrow(int32_t dtype, const float* in, int64_t n, void* data, int64_t offset) {
  int64_t i = 0;
  switch (dtype) {
    case WL_DTYPE_FLOAT16:
      for (; i + kLanes <= n; i += kLanes) store(Float16(), hn::LoadU(F32(), in + i), data, offset + i);
      for (; i < n; ++i) static_cast<uint16_t*>(data)[offset + i] = float_to_float16(in[i]);
      return;
    case WL_DTYPE_BFLOAT16:
      for (; i + kLanes <= n; i += kLanes) store(BFloat16(), hn::LoadU(F32(), in + i), data, offset + i);
      for (; i < n; ++i) static_cast<uint16_t*>(data)[offset + i] = float_to_bfloat16(in[i]);
      return;
    default:
      std::memcpy(static_cast<float*>(data) + offset, in, static_cast<size_t>(n) * sizeof(float));
  }
}

// The largest element of a padded row that is not NaN; -infinity where there is none.
HWY_INLINE float row_max(const float* h, int64_t n) {
  VF best = hn::Set(F32(), -std::numeric_limits<float>::infinity());
  // The x86 maximum returns its second operand where one is NaN.
  for (int64_t i = 0; i < n; i += kLanes) best = hn::Max(hn::LoadU(F32(), h + i), best);
  return hn::GetLane(hn::MaxOfLanes(F32(), best));
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
