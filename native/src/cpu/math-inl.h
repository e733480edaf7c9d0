// Vector mathematics in float32, once for each target: exp, sigmoid, tanh, erf and the activations of gemm and
// elementwise. Errors are in units in the last place (ulp), measured over all floats by
// tests/native/math_internal_test.cpp. NaN gives NaN; infinities give the limits. Included inside foreach_target
// loops.
#if defined(WARPLINE_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WARPLINE_CPU_MATH_INL_H_
#undef WARPLINE_CPU_MATH_INL_H_
#else
#define WARPLINE_CPU_MATH_INL_H_
#endif

#include <warpline/gemm.h>  // WL_ACTIVATION_*

#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

// c0 + c1 x + c2 x^2 + ... by Horner's rule.
template <class... C>
HWY_INLINE VF polynomial(VF x, float c0, C... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return hn::Set(F32(), c0);
  } else {
    return hn::MulAdd(polynomial(x, rest...), x, hn::Set(F32(), c0));
  }
}

// x = n ln 2 + r with |r| <= ln 2 / 2: adding 1.5 * 2^23 leaves n in the low bits of the sum.
struct ExpParts {
  VF shifted;
  VF r;
};
HWY_INLINE ExpParts exp_parts(VF x) {
  const F32 d;
  const VF magic = hn::Set(d, 0x1.8p23f);
  const VF shifted = hn::MulAdd(x, hn::Set(d, 0x1.715476p0f), magic);
  const VF n = hn::Sub(shifted, magic);
  VF r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e4p-1f), x);
  r = hn::NegMulAdd(n, hn::Set(d, 0x1.7f7d1cp-20f), r);
  return {shifted, r};
}

// e^x, 1 ulp; subnormal results included.
HWY_INLINE VF exp(VF x) {
  const F32 d;
  const hn::RebindToSigned<F32> di;
  // The x86 minimum and maximum return their second operand where one is NaN.
  const ExpParts parts = exp_parts(hn::Min(hn::Set(d, 89.0f), hn::Max(hn::Set(d, -104.0f), x)));
  const VF p = polynomial(parts.r, 1.0f, 1.0f, 0.499999911f, 0.166664198f, 0.0416682288f, 0.00837485678f,
                          0.00138367945f);
  // 2^n in two factors, because n reaches from -150 to 128.
  const auto n = hn::Sub(hn::BitCast(di, parts.shifted), hn::Set(di, 0x4b400000));
  const auto half = hn::ShiftRight<1>(n);
  const auto power = [&](auto e) { return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(e, hn::Set(di, 127)))); };
  return hn::Mul(hn::Mul(p, power(half)), power(hn::Sub(n, half)));
}

// e^x for x <= 88, as softmax needs it: 3 ulp, exactly 1 at zero, results below 2^-126 are zero.
HWY_INLINE VF exp_softmax(VF x) {
  const F32 d;
  const hn::RebindToSigned<F32> di;
  const ExpParts parts = exp_parts(hn::Max(hn::Set(d, -88.0f), x));
  const VF p = polynomial(parts.r, 1.0f, 1.0f, 0.499991447f, 0.166664571f, 0.0418985076f, 0.0083746817f);
  const auto power = hn::Add(hn::ShiftLeft<23>(hn::BitCast(di, parts.shifted)), hn::Set(di, 0x3f800000));
  return hn::Mul(p, hn::BitCast(d, power));
}

// 1 / (1 + e^-x), 2 ulp.
HWY_INLINE VF sigmoid(VF x) {
  const VF one = hn::Set(F32(), 1.0f);
  return hn::Div(one, hn::Add(one, exp(hn::Neg(x))));
}

// 2 ulp.
HWY_INLINE VF tanh(VF x) {
  const F32 d;
  const VF magnitude = hn::Abs(x);
  const VF square = hn::Mul(x, x);
  const VF small = hn::MulAdd(
      hn::Mul(polynomial(square, -0.333333105f, 0.133323222f, -0.0538232662f, 0.020947855f, -0.00609470671f),
              square),
      x, x);
  const VF one = hn::Set(d, 1.0f);
  const VF e = exp(hn::Add(magnitude, magnitude));
  const VF large = hn::Sub(one, hn::Div(hn::Set(d, 2.0f), hn::Add(e, one)));
  return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.575f)), small, hn::CopySign(large, x));
}

// erfc(a) = t e^(-a^2) P(t) with t = 1 / (1 + a/2), for 0 <= a <= 12: relative error 4e-7. The square of a is given
// as a rounded product and what rounding took from it.
HWY_INLINE VF erfc_positive(VF a, VF square, VF lost) {
  const VF one = hn::Set(F32(), 1.0f);
  const VF t = hn::Div(one, hn::MulAdd(a, hn::Set(F32(), 0.5f), one));
  const VF p = polynomial(t, 0.282084465f, 0.282409579f, 0.242853642f, 0.203678384f, -0.028971741f,
                          0.281474859f, -0.490179241f, 0.286013782f, -0.0593637973f);
  return hn::Mul(hn::Mul(exp(hn::Neg(square)), hn::NegMulAdd(lost, t, t)), p);
}

// 2.5 ulp.
HWY_INLINE VF erf(VF x) {
  const F32 d;
  const VF magnitude = hn::Abs(x);
  const VF small = hn::Mul(x, polynomial(hn::Mul(x, x), 1.12837911f, -0.37612626f, 0.112836003f,
                                         -0.0268544443f, 0.00518953567f, -0.000802084222f, 7.88912294e-05f));
  const VF a = hn::Min(hn::Set(d, 12.0f), magnitude);
  const VF square = hn::Mul(a, a);
  const VF large = hn::Sub(hn::Set(d, 1.0f), erfc_positive(a, square, hn::MulSub(a, a, square)));
  return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 1.0f)), small, hn::CopySign(large, x));
}

// x/2 (1 + erf(x / sqrt(2))): by erfc on the side where the sum would cancel.
HWY_INLINE VF gelu(VF x) {
  const F32 d;
  const VF magnitude = hn::Min(hn::Set(d, 16.0f), hn::Abs(x));
  const VF half = hn::Mul(magnitude, hn::Set(d, 0.5f));
  const VF square = hn::Mul(magnitude, half);
  const VF a = hn::Mul(magnitude, hn::Set(d, 0.707106781f));
  const VF tail = hn::Mul(hn::Set(d, 0.5f), erfc_positive(a, square, hn::MulSub(magnitude, half, square)));
  const VF cdf = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(hn::Set(d, 1.0f), tail));
  return hn::Mul(x, cdf);
}

// x / (1 + e^-x).
HWY_INLINE VF silu(VF x) { return hn::Mul(x, sigmoid(x)); }

HWY_INLINE VF relu(VF x) {
  const VF zero = hn::Zero(F32());
  return hn::IfThenElse(hn::Lt(x, zero), zero, x);
}

// x/2 (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3).
HWY_INLINE VF gelu_tanh(VF x) {
  const F32 d;
  const VF cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.0713548163f), hn::Set(d, 1.59576912f));
  return hn::Mul(x, sigmoid(hn::Mul(x, cubic)));
}

// By WL_ACTIVATION_* as a template argument.
template <int kActivation>
HWY_INLINE VF activate(VF x) {
  if constexpr (kActivation == WL_ACTIVATION_GELU) return gelu(x);
  if constexpr (kActivation == WL_ACTIVATION_GELU_TANH) return gelu_tanh(x);
  if constexpr (kActivation == WL_ACTIVATION_SILU) return silu(x);
  if constexpr (kActivation == WL_ACTIVATION_RELU) return relu(x);
  return x;
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
