// The product of a warp's fragments: 16-bit types by one mma.sync each, float32 by three of tf32.
//
// float32 = hi + lo, each of tf32's 11 bits: a b = a_lo b_hi + a_hi b_lo + a_hi b_hi, but for about 2^-22 of it. That is less
// than what the rounded additions of a long sum lose. A short sum loses less: there three parts are taken, which hold all 24
// bits, and the six products that reach 2^-24.
//
// The tensor core truncates as it adds, so a chain of it over all k would drift: each step of 8 starts from zero, with the
// smallest products, and is added to the sum by an addition that rounds. So is each step of 16 of 16-bit types where y is
// float32; a 16-bit y rounds away what a chain loses.
#pragma once

#include "cuda/ptx/math.h"
#include "cuda/tile/fragment.h"

namespace wl::cuda::product {

// Sums of up to this many products are short.
constexpr int kShortSum = 64;

// The first magnitude whose upper half would round to infinity.
constexpr float kSplitLimit = 0x1.ffcp127f;

// Takes the upper 11 bits, rounded to nearest, off a float32. What has no rounded part (infinities, NaN) goes whole.
WL_DEVICE uint32_t take_tf32(uint32_t* bits) {
  const float value = ptx::mov_f32_b32(*bits);
  const bool ordinary = ptx::abs_f32(value) < kSplitLimit;
  const uint32_t part = (ordinary ? *bits + 0x1000u : *bits) & ~0x1fffu;
  *bits = ordinary ? ptx::mov_b32_f32(value - ptx::mov_f32_b32(part)) : 0;
  return part;
}
// The instruction drops the lower 13 bits: rounds them into the others.
WL_DEVICE uint32_t round_tf32(uint32_t bits) { return bits + 0x1000u; }

// Parts of kCount operand registers, the largest first; two parts, or three that hold every bit.
template <int kParts, int kCount>
struct Split {
  uint32_t part[kParts][kCount];
  WL_DEVICE void take(const uint32_t (&x)[kCount]) {
    WL_UNROLL
    for (int r = 0; r < kCount; ++r) {
      uint32_t rest = x[r];
      WL_UNROLL
      for (int i = 0; i + 1 < kParts; ++i) part[i][r] = take_tf32(&rest);
      part[kParts - 1][r] = kParts == 2 ? round_tf32(rest) : rest;
    }
  }
};

// c += a b of one step of 8.
template <int kParts>
WL_DEVICE void multiply_split(tile::FragmentC& c, const Split<kParts, 4>& a, const Split<kParts, 2>& b,
                              Site s) {
  float d[4] = {};
  const auto add = [&](int i, int j) {
    ptx::mma_m16n8k8_f32_tf32(d, a.part[i], b.part[j][0], b.part[j][1], s);
  };
  if constexpr (kParts == 3) {
    add(1, 1);
    add(2, 0);
    add(0, 2);
  }
  add(1, 0);
  add(0, 1);
  add(0, 0);
  WL_UNROLL
  for (int r = 0; r < 4; ++r) c.x[r] += d[r];
}

// c += a b of one step of 16, a column of eight.
template <class Element>
WL_DEVICE void multiply_rounded(tile::FragmentC& c, const tile::FragmentA& a, const uint32_t (&b)[2],
                                Site s) {
  float d[4] = {};
  Element::multiply(d, a.x, b[0], b[1], s);
  WL_UNROLL
  for (int r = 0; r < 4; ++r) c.x[r] += d[r];
}

// c (16 kM x 16 kN) += a b over one step: 16 elements of k of a 16-bit type, 8 of float32. kPrecise: y is float32 (16-bit
// types), or k at most kShortSum (float32).
template <class Element, bool kPrecise, int kM, int kN>
WL_DEVICE void multiply(tile::FragmentC (&c)[kM][2 * kN], const tile::FragmentA (&a)[kM],
                        const tile::FragmentB2 (&b)[kN], Site s = Site::here()) {
  if constexpr (sizeof(typename Element::Bits) == 2 && kPrecise) {
    WL_UNROLL
    for (int j = 0; j < 2 * kN; ++j) {
      WL_UNROLL
      for (int i = 0; i < kM; ++i) multiply_rounded<Element>(c[i][j], a[i], b[j / 2].x[j % 2], s);
    }
  } else if constexpr (sizeof(typename Element::Bits) == 2) {
    WL_UNROLL
    for (int j = 0; j < kN; ++j) {
      WL_UNROLL
      for (int i = 0; i < kM; ++i) {
        Element::multiply(c[i][2 * j].x, a[i].x, b[j].x[0][0], b[j].x[0][1], s);
        Element::multiply(c[i][2 * j + 1].x, a[i].x, b[j].x[1][0], b[j].x[1][1], s);
      }
    }
  } else if constexpr (kPrecise) {
    WL_UNROLL
    for (int j = 0; j < 2 * kN; ++j) {
      Split<3, 2> parts_b;
      parts_b.take(b[j / 2].x[j % 2]);
      WL_UNROLL
      for (int i = 0; i < kM; ++i) {
        Split<3, 4> parts_a;
        parts_a.take(a[i].x);
        multiply_split(c[i][j], parts_a, parts_b, s);
      }
    }
  } else {
    Split<2, 4> parts_a[kM];
    WL_UNROLL
    for (int i = 0; i < kM; ++i) parts_a[i].take(a[i].x);
    WL_UNROLL
    for (int j = 0; j < 2 * kN; ++j) {
      Split<2, 2> parts_b;
      parts_b.take(b[j / 2].x[j % 2]);
      WL_UNROLL
      for (int i = 0; i < kM; ++i) multiply_split(c[i][j], parts_a[i], parts_b, s);
    }
  }
}

}  // namespace wl::cuda::product
