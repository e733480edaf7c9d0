// y = act(x), or act(x) * up: a task works on whole rows, in chunks that pass through float32 buffers on the
// stack. Bound by memory, for GELU by arithmetic.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/elementwise/activation.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "core/failure.h"
#include "core/tensor.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/math-inl.h"
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

template <int kActivation>
HWY_INLINE void activate_chunk(float* h, const float* up, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) {
    VF v = activate<kActivation>(hn::LoadU(F32(), h + i));
    if (up != nullptr) v = hn::Mul(v, hn::LoadU(F32(), up + i));
    hn::StoreU(v, F32(), h + i);
  }
}

void activation_row(const wl_activation_params& p, int64_t row) {
  constexpr int64_t kChunk = 512;
  alignas(64) float h[kChunk];
  alignas(64) float up[kChunk];
  const float* gate = present(p.up) ? up : nullptr;
  for (int64_t begin = 0; begin < p.x.shape[1]; begin += kChunk) {
    const int64_t rest = p.x.shape[1] - begin, n = rest < kChunk ? rest : kChunk;
    widen_padded(p.x.dtype, p.x.data, row * p.x.strides[0] + begin, n, 0, h);
    if (gate != nullptr) widen_padded(p.up.dtype, p.up.data, row * p.up.strides[0] + begin, n, 0, up);
    switch (p.activation) {
      case WL_ACTIVATION_GELU:
        activate_chunk<WL_ACTIVATION_GELU>(h, gate, n);
        break;
      case WL_ACTIVATION_GELU_TANH:
        activate_chunk<WL_ACTIVATION_GELU_TANH>(h, gate, n);
        break;
      case WL_ACTIVATION_SILU:
        activate_chunk<WL_ACTIVATION_SILU>(h, gate, n);
        break;
      case WL_ACTIVATION_RELU:
        activate_chunk<WL_ACTIVATION_RELU>(h, gate, n);
        break;
      default:
        activate_chunk<WL_ACTIVATION_NONE>(h, gate, n);
    }
    narrow(p.y.dtype, h, n, p.y.data, row * p.y.strides[0] + begin);
  }
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void activation(const wl_activation_params& p) {
  static constexpr KernelNames kNames = WL_KERNEL_NAMES("elementwise.activation");
  const bool avx512 = use_avx512();
  set_last_kernel(kNames.of(avx512, p.x.dtype));
  if (elements(p.x) == 0) return;
  const auto row_function = avx512 ? &N_AVX3::activation_row : &N_AVX2::activation_row;
  for_rows(Arena(), p.x.shape[0], p.x.shape[1], [&](int64_t row, int) { row_function(p, row); });
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
