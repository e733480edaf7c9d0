// Softmax of a tile of scores, block by block of keys.
//
// A row's scores lie side by side, a key a column. First pass: their maximum; second pass: exp(s - max), its sum,
// and the probabilities in the products' type. Softcap and ALiBi, where asked for, are a pass of their own before.
// Columns that a row may not attend become minus infinity, so that exp gives exact zeros. A lane of the sum takes
// the columns of one residue class in order: the bits of a row do not depend on which columns were scored for its
// neighbours. Bound by the arithmetic of exp.
#include <limits>

#include "cpu/attention/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/attention/softmax.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "cpu/math-inl.h"
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// In a fixed order, on any version of Highway.
HWY_INLINE float sum_of(VF v) {
  alignas(64) float lanes[kLanes];
  hn::Store(v, F32(), lanes);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

HWY_INLINE void fill(float* row, int64_t begin, int64_t end, float value) {
  for (int64_t i = begin; i < end; ++i) row[i] = value;
}

// s = softcap tanh(scale raw / softcap) - slope |distance|, in place.
template <bool kSoftcap, bool kAlibi>
HWY_INLINE void modify(const ScoreTile& tile, int64_t row, float* scores) {
  const F32 d;
  const VF factor = hn::Set(d, kSoftcap ? tile.scale / tile.softcap : tile.scale);
  const VF cap = hn::Set(d, tile.softcap);
  const VF slope = hn::Set(d, kAlibi ? tile.slope[row] : 0.0f);
  for (int64_t column = 0; column < tile.columns; column += kLanes) {
    VF s = hn::Mul(hn::LoadU(d, scores + column), factor);
    if constexpr (kSoftcap) s = hn::Mul(cap, tanh(s));
    if constexpr (kAlibi) {
      const auto first = static_cast<float>(tile.distance[row] - column);
      s = hn::NegMulAdd(slope, hn::Abs(hn::Sub(hn::Set(d, first), hn::Iota(d, 0.0f))), s);
    }
    hn::StoreU(s, d, scores + column);
  }
}

HWY_INLINE float max_scaled(const float* scores, int64_t columns, float scale) {
  const F32 d;
  const VF factor = hn::Set(d, scale);
  VF even = hn::Set(d, -kInfinity), odd = even;
  int64_t column = 0;
  for (; column + 2 * kLanes <= columns; column += 2 * kLanes) {
    even = hn::Max(even, hn::Mul(factor, hn::LoadU(d, scores + column)));
    odd = hn::Max(odd, hn::Mul(factor, hn::LoadU(d, scores + column + kLanes)));
  }
  if (column < columns) even = hn::Max(even, hn::Mul(factor, hn::LoadU(d, scores + column)));
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(even, odd)));
}

// Returns the sum before rounding. The product is rounded before the difference, as max_scaled does: the largest score
// then gives exactly one, whatever its size. Where all scores are -infinity the sum is zero (NaN if one is NaN).
template <class Store>
HWY_INLINE float exponentials(const float* scores, int64_t columns, float scale, float max,
                              Store&& store_at) {
  const F32 d;
  const VF factor = hn::Set(d, scale), subtrahend = hn::Set(d, max == -kInfinity ? 0.0f : max);
  VF sum = hn::Zero(d);
  for (int64_t column = 0; column < columns; column += kLanes) {
    const VF p = exp_softmax(hn::Sub(hn::Mul(factor, hn::LoadU(d, scores + column)), subtrahend));
    sum = hn::Add(sum, p);
    store_at(p, column);
  }
  return sum_of(sum);
}

template <bool kSoftcap, bool kAlibi>
void softmax_rows(const ScoreTile& tile) {
  const float scale = kSoftcap || kAlibi ? 1.0f : tile.scale;
  const float forbidden = scale < 0 ? kInfinity : -kInfinity;  // before the factor
  for (int64_t row = 0; row < tile.rows; ++row) {
    float* scores = tile.scores + row * tile.stride;
    uint16_t* rounded = tile.bfloat16 == nullptr ? nullptr : tile.bfloat16 + row * tile.bfloat16_stride;
    const int64_t begin = tile.begin[row], end = tile.end[row];
    if (begin >= end) {
      tile.max[row] = -kInfinity;
      tile.sum[row] = 0;
      fill(scores, 0, tile.columns, 0);
      if (rounded != nullptr) std::memset(rounded, 0, static_cast<size_t>(2 * tile.columns));
      continue;
    }
    if constexpr (kSoftcap || kAlibi) modify<kSoftcap, kAlibi>(tile, row, scores);
    fill(scores, 0, begin, forbidden);
    fill(scores, end, tile.columns, forbidden);
    const float max = tile.max[row] = max_scaled(scores, tile.columns, scale);
    tile.sum[row] = rounded == nullptr
                        ? exponentials(scores, tile.columns, scale, max,
                                       [&](VF p, int64_t column) { store(Float32(), p, scores, column); })
                        : exponentials(scores, tile.columns, scale, max,
                                       [&](VF p, int64_t column) { store(BFloat16(), p, rounded, column); });
  }
}

void softmax_tile(const ScoreTile& tile) {
  const bool softcap = tile.softcap != 0, alibi = tile.slope != nullptr;
  if (softcap && alibi) return softmax_rows<true, true>(tile);
  if (softcap) return softmax_rows<true, false>(tile);
  if (alibi) return softmax_rows<false, true>(tile);
  softmax_rows<false, false>(tile);
}

// o = o exp(m - m') + block exp(m_block - m'), m' = max(m, m_block). A row that attends nothing in the block keeps
// its bits.
void merge_block(int64_t rows, int64_t width, float* output, int64_t output_stride, float* max, float* sum,
                 const float* block, int64_t block_stride, const float* block_max, const float* block_sum) {
  const F32 d;
  for (int64_t first = 0; first < rows; first += kLanes) {
    const VF m = hn::LoadU(d, max + first), m_block = hn::LoadU(d, block_max + first);
    const VF m_new = hn::Max(m, m_block);
    const VF subtrahend = hn::IfThenElse(hn::Eq(m_new, hn::Set(d, -kInfinity)), hn::Zero(d), m_new);
    const VF keep = exp(hn::Sub(m, subtrahend)), add = exp(hn::Sub(m_block, subtrahend));
    alignas(64) float keeps[kLanes], adds[kLanes];
    hn::Store(keep, d, keeps);
    hn::Store(add, d, adds);
    hn::StoreU(m_new, d, max + first);
    hn::StoreU(hn::MulAdd(hn::LoadU(d, sum + first), keep, hn::Mul(hn::LoadU(d, block_sum + first), add)), d,
               sum + first);
    const int64_t count = rows - first < kLanes ? rows - first : kLanes;
    for (int64_t i = 0; i < count; ++i) {
      if (block_sum[first + i] == 0) continue;
      float* to = output + (first + i) * output_stride;
      const float* from = block + (first + i) * block_stride;
      const VF k = hn::Set(d, keeps[i]), a = hn::Set(d, adds[i]);
      for (int64_t column = 0; column < width; column += kLanes) {
        const VF merged = hn::MulAdd(hn::LoadU(d, to + column), k, hn::Mul(hn::LoadU(d, from + column), a));
        hn::StoreU(merged, d, to + column);
      }
    }
  }
}

void write_row(float* row, float factor, int64_t width, int32_t dtype, void* target) {
  const F32 d;
  // Adding zero turns a negative zero, which depends on what was skipped, into a positive one.
  for (int64_t column = 0; column < width; column += kLanes)
    hn::StoreU(hn::MulAdd(hn::LoadU(d, row + column), hn::Set(d, factor), hn::Zero(d)), d, row + column);
  narrow(dtype, row, width, target, 0);
}

void read_row(const void* source, int32_t dtype, int64_t width, float* target) {
  widen(dtype, source, 0, width, target);
}

}  // namespace

const SoftmaxKernels kSoftmaxKernels = {&softmax_tile, &merge_block, &write_row, &read_row};

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

const SoftmaxKernels& softmax_kernels(Isa isa) {
  return isa >= Isa::kAvx512 ? N_AVX3::kSoftmaxKernels : N_AVX2::kSoftmaxKernels;
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
