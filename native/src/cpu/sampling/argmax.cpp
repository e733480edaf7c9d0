// Index of each row's largest element, read from its own type: one pass for the maximum, one up to its first
// place. A task works on whole rows. Bound by memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/sampling/argmax.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "core/failure.h"
#include "core/tensor.h"
#include "cpu/rows-inl.h"
#include "cpu/sampling/sampling.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

template <class Type>
HWY_INLINE int64_t argmax_as(Type type, const wl_tensor& t, int64_t offset) {
  const int64_t n = t.shape[1], whole = n / kLanes * kLanes;
  const auto at = [&](int64_t i) { return load_float(t.data, t.dtype, offset + i); };
  VF best = hn::Set(F32(), -std::numeric_limits<float>::infinity());
  // The x86 maximum returns its second operand where one is NaN.
  for (int64_t i = 0; i < whole; i += kLanes) best = hn::Max(load(type, t.data, offset + i), best);
  float largest = hn::GetLane(hn::MaxOfLanes(F32(), best));
  for (int64_t i = whole; i < n; ++i) {
    if (at(i) > largest) largest = at(i);
  }
  const VF wanted = hn::Set(F32(), largest);
  for (int64_t i = 0; i < whole; i += kLanes) {
    const auto found = hn::Eq(load(type, t.data, offset + i), wanted);
    if (!hn::AllFalse(F32(), found)) return i + hn::FindFirstTrue(F32(), found);
  }
  for (int64_t i = whole; i < n; ++i) {
    if (at(i) == largest) return i;
  }
  return 0;  // NaN only.
}

int64_t argmax_row(const wl_tensor& t, int64_t row) {
  const int64_t offset = row * t.strides[0];
  if (t.dtype == WL_DTYPE_FLOAT16) return argmax_as(Float16(), t, offset);
  if (t.dtype == WL_DTYPE_BFLOAT16) return argmax_as(BFloat16(), t, offset);
  return argmax_as(Float32(), t, offset);
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void argmax(const wl_argmax_params& p) {
  static constexpr KernelNames kNames = WL_KERNEL_NAMES("sampling.argmax");
  const bool avx512 = use_avx512();
  set_last_kernel(kNames.of(avx512, p.logits.dtype));
  const auto row_function = avx512 ? &N_AVX3::argmax_row : &N_AVX2::argmax_row;
  auto* ids = static_cast<int32_t*>(p.ids.data);
  for_rows(Arena(), p.logits.shape[0], p.logits.shape[1], [&](int64_t r, int) {
    ids[r * p.ids.strides[0]] = static_cast<int32_t>(row_function(p.logits, r));
  });
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
