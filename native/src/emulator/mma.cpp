// The accumulators are kept as 16 rows of 8 columns, one vector a row; k runs upwards from c, a fused multiply-add a
// step (the numerics mode adds in its own way). Products of the 16-bit types and tf32 are exact in float32.
#include "emulator/mma.h"

#include <immintrin.h>

#include "emulator/numerics.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

constexpr int kM = 16, kN = 8;

template <int kK>
struct alignas(32) Operands {
  float a[kM][kK], b[kK][kN];
};

struct alignas(32) Accumulators {
  float rows[kM][kN];
};

void gather_c(const MmaArgument* const* lanes, Accumulators& c) {
  for (int lane = 0; lane < 32; ++lane) {
    const auto* from = static_cast<const float*>(lanes[lane]->c);
    const int g = lane / 4, t = lane % 4;
    std::memcpy(&c.rows[g][2 * t], from, 8);
    std::memcpy(&c.rows[g + 8][2 * t], from + 2, 8);
  }
}

void scatter_d(const MmaArgument* const* lanes, const Accumulators& d) {
  for (int lane = 0; lane < 32; ++lane) {
    auto* to = static_cast<float*>(lanes[lane]->d);
    const int g = lane / 4, t = lane % 4;
    std::memcpy(to, &d.rows[g][2 * t], 8);
    std::memcpy(to + 2, &d.rows[g + 8][2 * t], 8);
  }
}

// d += a b
template <int kK>
void multiply(const Operands<kK>& operands, Accumulators& d) {
  if (numerics.on) return multiply_truncated(operands.a[0], operands.b[0], kK, d.rows[0]);
  constexpr int kRows = 8;  // vectors of accumulators at a time
  for (int first = 0; first < kM; first += kRows) {
    __m256 sum[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sum[r] = _mm256_load_ps(d.rows[first + r]);
    for (int k = 0; k < kK; ++k) {
      const __m256 b = _mm256_load_ps(operands.b[k]);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        sum[r] = _mm256_fmadd_ps(_mm256_broadcast_ss(&operands.a[first + r][k]), b, sum[r]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) _mm256_store_ps(d.rows[first + r], sum[r]);
  }
}

// Two elements of a register, the lower half first, in the lower half of the result.
template <bool kBFloat16>
__m128 widen(uint32_t bits) {
  if constexpr (kBFloat16) {
    const float low = __builtin_bit_cast(float, bits << 16);
    const float high = __builtin_bit_cast(float, bits & 0xffff0000u);
    return _mm_setr_ps(low, high, 0, 0);
  } else {
    return _mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int>(bits)));
  }
}

template <bool kBFloat16>
void gather_16bit(const MmaArgument* const* lanes, Operands<16>& operands) {
  for (int lane = 0; lane < 32; ++lane) {
    const uint32_t *a = lanes[lane]->a, *b = lanes[lane]->b;
    const int g = lane / 4, t = lane % 4;
    _mm_storel_pi(reinterpret_cast<__m64*>(&operands.a[g][2 * t]), widen<kBFloat16>(a[0]));
    _mm_storel_pi(reinterpret_cast<__m64*>(&operands.a[g + 8][2 * t]), widen<kBFloat16>(a[1]));
    _mm_storel_pi(reinterpret_cast<__m64*>(&operands.a[g][2 * t + 8]), widen<kBFloat16>(a[2]));
    _mm_storel_pi(reinterpret_cast<__m64*>(&operands.a[g + 8][2 * t + 8]), widen<kBFloat16>(a[3]));
    float pair[4];
    _mm_storeu_ps(pair, widen<kBFloat16>(b[0]));
    operands.b[2 * t][g] = pair[0];
    operands.b[2 * t + 1][g] = pair[1];
    _mm_storeu_ps(pair, widen<kBFloat16>(b[1]));
    operands.b[2 * t + 8][g] = pair[0];
    operands.b[2 * t + 9][g] = pair[1];
  }
}

}  // namespace

void compute_mma_16bit(const MmaArgument* const* lanes, bool bfloat16) {
  Operands<16> operands;
  Accumulators d;
  if (bfloat16) {
    gather_16bit<true>(lanes, operands);
  } else {
    gather_16bit<false>(lanes, operands);
  }
  gather_c(lanes, d);
  multiply(operands, d);
  scatter_d(lanes, d);
}

void multiply_16x8x16(const float* a, const float* b, float* d) {
  Operands<16> operands;
  Accumulators sums;
  std::memcpy(operands.a, a, sizeof operands.a);
  std::memcpy(operands.b, b, sizeof operands.b);
  std::memcpy(sums.rows, d, sizeof sums.rows);
  multiply(operands, sums);
  std::memcpy(d, sums.rows, sizeof sums.rows);
}

void compute_mma_tf32(const MmaArgument* const* lanes) {
  // The lower 13 bits of an operand are not looked at.
  const auto tf32 = [](uint32_t bits) { return __builtin_bit_cast(float, bits & ~0x1fffu); };
  Operands<8> operands;
  Accumulators d;
  for (int lane = 0; lane < 32; ++lane) {
    const uint32_t *a = lanes[lane]->a, *b = lanes[lane]->b;
    const int g = lane / 4, t = lane % 4;
    operands.a[g][t] = tf32(a[0]);
    operands.a[g + 8][t] = tf32(a[1]);
    operands.a[g][t + 4] = tf32(a[2]);
    operands.a[g + 8][t + 4] = tf32(a[3]);
    operands.b[t][g] = tf32(b[0]);
    operands.b[t + 4][g] = tf32(b[1]);
  }
  gather_c(lanes, d);
  multiply(operands, d);
  scatter_d(lanes, d);
}

void compute_mma_s8(const MmaArgument* const* lanes) {
  constexpr int kK = 32;
  int8_t a[kM][kK], b[kN][kK];
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4, t = lane % 4;
    std::memcpy(&a[g][4 * t], &lanes[lane]->a[0], 4);
    std::memcpy(&a[g + 8][4 * t], &lanes[lane]->a[1], 4);
    std::memcpy(&a[g][4 * t + 16], &lanes[lane]->a[2], 4);
    std::memcpy(&a[g + 8][4 * t + 16], &lanes[lane]->a[3], 4);
    std::memcpy(&b[g][4 * t], &lanes[lane]->b[0], 4);
    std::memcpy(&b[g][4 * t + 16], &lanes[lane]->b[1], 4);
  }
  for (int lane = 0; lane < 32; ++lane) {
    const auto* c = static_cast<const int32_t*>(lanes[lane]->c);
    auto* d = static_cast<int32_t*>(lanes[lane]->d);
    for (int i = 0; i < 4; ++i) {
      const int8_t *row = a[lane / 4 + i / 2 * 8], *column = b[lane % 4 * 2 + i % 2];
      int32_t sum = 0;
      for (int k = 0; k < kK; ++k) sum += row[k] * column[k];
      // Wraps around, as the instruction without .satfinite does.
      d[i] = static_cast<int32_t>(static_cast<uint32_t>(c[i]) + static_cast<uint32_t>(sum));
    }
  }
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
