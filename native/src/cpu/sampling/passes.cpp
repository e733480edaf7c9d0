// Vector passes over a row of logits: reading, maximum, weights, filters, gathering of candidates. Bound by
// the cache that holds the row, the weights by the exponential.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/sampling/passes.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "cpu/math-inl.h"
#include "cpu/rows-inl.h"
#include "cpu/sampling/passes.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

void read(const wl_tensor& logits, int64_t row, float* values) {
  const int64_t n = logits.shape[1];
  const VF none = hn::Set(F32(), -std::numeric_limits<float>::infinity());
  widen_padded(logits.dtype, logits.data, row * logits.strides[0], n, hn::GetLane(none), values);
  for (int64_t i = 0; i < n; i += kLanes) {
    const VF v = hn::LoadU(F32(), values + i);
    hn::StoreU(hn::IfThenElse(hn::IsNaN(v), none, v), F32(), values + i);
  }
}

float largest(const float* values, int64_t n) { return row_max(values, n); }

// Runs make(i), which returns the weights at i, and sums what it returns block by block.
template <class Make>
HWY_INLINE double for_weights(int64_t n, double* block_sums, const Make& make) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kWeightBlock) {
    const int64_t end = n - begin < kWeightBlock ? n : begin + kWeightBlock;
    VD low = hn::Zero(F64()), high = low;
    for (int64_t i = begin; i < end; i += kLanes) {
      const VF w = make(i);
      low = hn::Add(low, lower_double(w));
      high = hn::Add(high, upper_double(w));
    }
    const double sum = hn::GetLane(hn::SumOfLanes(F64(), hn::Add(low, high)));
    block_sums[begin / kWeightBlock] = sum;
    total += sum;
  }
  return total;
}

double weigh(const float* values, int64_t n, float largest, float temperature, float* weights,
             double* block_sums) {
  const VF top = hn::Set(F32(), largest), divisor = hn::Set(F32(), temperature);
  return for_weights(n, block_sums, [&](int64_t i) {
    const VF v = hn::LoadU(F32(), values + i);
    // No difference of infinities.
    const VF difference = hn::IfThenElseZero(hn::Ne(v, top), hn::Sub(v, top));
    const VF w = exp(hn::Div(difference, divisor));
    hn::StoreU(w, F32(), weights + i);
    return w;
  });
}

double filter(const float* values, int64_t n, const Boundary& boundary, float least, float* weights,
              double* block_sums) {
  const hn::RebindToSigned<F32> di;
  const VF value = hn::Set(F32(), boundary.value), bar = hn::Set(F32(), least);
  const auto last_id = hn::Set(di, boundary.id);
  return for_weights(n, block_sums, [&](int64_t i) {
    const VF v = hn::LoadU(F32(), values + i), w = hn::LoadU(F32(), weights + i);
    const auto ids = hn::Iota(di, static_cast<int32_t>(i));
    const auto behind =
        hn::Or(hn::Lt(v, value), hn::And(hn::Eq(v, value), hn::RebindMask(F32(), hn::Gt(ids, last_id))));
    const VF kept = hn::IfThenZeroElse(hn::Or(behind, hn::Lt(w, bar)), w);
    hn::StoreU(kept, F32(), weights + i);
    return kept;
  });
}

int64_t collect(const float* values, const float* tested, float threshold, int64_t n, int64_t* position,
                uint64_t* keys, int64_t count, int64_t capacity) {
  const VF bar = hn::Set(F32(), threshold);
  int64_t i = *position;
  for (; i < n && count + kLanes <= capacity; i += kLanes) {
    // Padding is never above the threshold.
    const auto above = hn::Gt(hn::LoadU(F32(), tested + i), bar);
    if (hn::AllFalse(F32(), above)) continue;
    uint8_t bytes[8] = {};
    hn::StoreMaskBits(F32(), above, bytes);
    for (uint32_t bits = bytes[0] | uint32_t{bytes[1]} << 8; bits != 0; bits &= bits - 1) {
      const int64_t j = i + __builtin_ctz(bits);
      keys[count++] = token_key(values[j], j);
    }
  }
  *position = i;
  return count;
}

SamplingPasses passes() { return {read, largest, weigh, filter, collect}; }

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

const SamplingPasses& sampling_passes(bool avx512) {
  static const SamplingPasses kAvx2 = N_AVX2::passes(), kAvx512 = N_AVX3::passes();
  return avx512 ? kAvx512 : kAvx2;
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
