// The epilogue: one pass over a block of sums in the cache, 8 or 16 columns at a time. Bound by the activation's
// arithmetic, else by the cache.
#include "cpu/gemm/epilogue.h"

#include <cstring>

#include "core/convert.h"
#include "core/tensor.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/gemm/epilogue.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format off
#include "cpu/math-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kLanes = HWY_TARGET == HWY_AVX2 ? 8 : 16;

HWY_INLINE VF load_any(int32_t dtype, const void* data, int64_t i) {
  if (dtype == WL_DTYPE_FLOAT32) return load(Float32(), data, i);
  if (dtype == WL_DTYPE_BFLOAT16) return load(BFloat16(), data, i);
  return load(Float16(), data, i);
}
HWY_INLINE void store_any(int32_t dtype, VF v, void* data, int64_t i) {
  if (dtype == WL_DTYPE_FLOAT32) return store(Float32(), v, data, i);
  if (dtype == WL_DTYPE_BFLOAT16) return store(BFloat16(), v, data, i);
  return store(Float16(), v, data, i);
}

void* at(const wl_tensor& t, int64_t row, int64_t column) {
  return static_cast<char*>(t.data) + (row * t.strides[0] + column) * element_size(t.dtype);
}

// The block's part of a bias as floats, zero where there is none.
void read_bias(const wl_tensor& bias, int64_t column, int64_t columns, float* out) {
  std::memset(out, 0, kEpilogueColumns * sizeof(float));
  if (bias.dtype == WL_DTYPE_NONE) return;
  for (int64_t j = 0; j < columns; ++j)
    out[j] = load_float(bias.data, bias.dtype, (column + j) * bias.strides[0]);
}

template <int kActivation>
void run(const GemmProblem& p, const EpilogueBlock& block) {
  const F32 d;
  const bool gated = p.gated(), residual = p.residual.dtype != WL_DTYPE_NONE;
  alignas(64) float bias[kEpilogueColumns], up_bias[kEpilogueColumns];
  read_bias(p.bias, block.column, block.columns, bias);
  if (gated) read_bias(p.up_bias, block.column, block.columns, up_bias);
  const int64_t whole = block.columns / kLanes * kLanes;
  for (int64_t r = 0; r < block.rows; ++r) {
    const float* sums = block.sums + r * block.stride;
    const float* up_sums = gated ? block.up_sums + r * block.stride : nullptr;
    const void* added = residual ? at(p.residual, block.row + r, block.column) : nullptr;
    void* y = at(p.y, block.row + r, block.column);
    const auto before_residual = [&](int64_t j) HWY_ATTR {
      const VF v = activate<kActivation>(hn::Add(hn::LoadU(d, sums + j), hn::LoadU(d, bias + j)));
      return gated ? hn::Mul(v, hn::Add(hn::LoadU(d, up_sums + j), hn::LoadU(d, up_bias + j))) : v;
    };
    for (int64_t j = 0; j < whole; j += kLanes) {
      VF v = before_residual(j);
      if (residual) v = hn::Add(v, load_any(p.residual.dtype, added, j));
      store_any(p.y.dtype, v, y, j);
    }
    if (whole < block.columns) {  // By a copy, so that nothing past the row is touched.
      const auto rest = static_cast<size_t>(block.columns - whole);
      alignas(64) float part[kLanes] = {};
      VF v = before_residual(whole);
      if (residual) {
        const int64_t size = element_size(p.residual.dtype);
        std::memcpy(part, static_cast<const char*>(added) + whole * size, rest * static_cast<size_t>(size));
        v = hn::Add(v, load_any(p.residual.dtype, part, 0));
      }
      store_any(p.y.dtype, v, part, 0);
      const int64_t size = element_size(p.y.dtype);
      std::memcpy(static_cast<char*>(y) + whole * size, part, rest * static_cast<size_t>(size));
    }
  }
}

}  // namespace

void epilogue_on(const GemmProblem& problem, const EpilogueBlock& block) {
  switch (problem.activation) {
    case WL_ACTIVATION_GELU:
      return run<WL_ACTIVATION_GELU>(problem, block);
    case WL_ACTIVATION_GELU_TANH:
      return run<WL_ACTIVATION_GELU_TANH>(problem, block);
    case WL_ACTIVATION_SILU:
      return run<WL_ACTIVATION_SILU>(problem, block);
    case WL_ACTIVATION_RELU:
      return run<WL_ACTIVATION_RELU>(problem, block);
    default:
      return run<WL_ACTIVATION_NONE>(problem, block);
  }
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void epilogue(Isa isa, const GemmProblem& problem, const EpilogueBlock& block) {
  isa >= Isa::kAvx512 ? N_AVX3::epilogue_on(problem, block) : N_AVX2::epilogue_on(problem, block);
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
