// Highway helpers that every kernel file shares, once for each target: loads and stores of any element type
// as float32 lanes. Mathematics is in math-inl.h. Included inside foreach_target
// loops.
#if defined(WARPLINE_CPU_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WARPLINE_CPU_SIMD_INL_H_
#undef WARPLINE_CPU_SIMD_INL_H_
#else
#define WARPLINE_CPU_SIMD_INL_H_
#endif

#include <warpline/core.h>

#include "core/options.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using VF = hn::Vec<F32>;

// Element types as template arguments.
struct Float32 {};
struct Float16 {};
struct BFloat16 {};

HWY_INLINE VF load(Float32, const void* data, int64_t i) {
  return hn::LoadU(F32(), static_cast<const float*>(data) + i);
}
HWY_INLINE VF load(Float16, const void* data, int64_t i) {
  const hn::Rebind<hwy::float16_t, F32> d16;
  return hn::PromoteTo(F32(), hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(data) + i));
}
HWY_INLINE VF load(BFloat16, const void* data, int64_t i) {
  const hn::Rebind<uint16_t, F32> d16;
  const hn::RebindToUnsigned<F32> d32;
  const auto bits = hn::PromoteTo(d32, hn::LoadU(d16, static_cast<const uint16_t*>(data) + i));
  return hn::BitCast(F32(), hn::ShiftLeft<16>(bits));
}

HWY_INLINE void store(Float32, VF v, void* data, int64_t i) {
  hn::StoreU(v, F32(), static_cast<float*>(data) + i);
}
HWY_INLINE void store(Float16, VF v, void* data, int64_t i) {
  const hn::Rebind<hwy::float16_t, F32> d16;
  hn::StoreU(hn::DemoteTo(d16, v), d16, reinterpret_cast<hwy::float16_t*>(data) + i);
}
// Round to nearest even; NaN stays NaN.
HWY_INLINE void store(BFloat16, VF v, void* data, int64_t i) {
  const hn::Rebind<uint16_t, F32> d16;
  const hn::RebindToUnsigned<F32> d32;
  const auto bits = hn::BitCast(d32, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1u));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(d32, 0x7fffu)));
  const auto quiet = hn::Or(bits, hn::Set(d32, 0x400000u));
  const auto chosen = hn::IfThenElse(hn::RebindMask(d32, hn::IsNaN(v)), quiet, rounded);
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(hn::RebindToSigned<F32>(), hn::ShiftRight<16>(chosen))), d16,
             static_cast<uint16_t*>(data) + i);
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
