// Score policies: what becomes of q.k before the softmax. A policy is data that is handed to the kernel by value.
//
//   for_head(sequence, head)            fetches what belongs to the head
//   (product, position, key) -> score   position: the query's, aligned with the keys'; AttentionParams::multiplier
//                                       times the score is the softmax's exponent to base 2
//   precise(product, position, key)     where it is there, what float32 tensors get in place of it
//
//   kPlain          the score is the product, and the loop has nothing to do for it
//   kModifiedTiles  the tuning table's tiles of keys are the shorter ones that leave registers to modifiers
//   kName           what is appended to the kernel's name
#pragma once

#include "cuda/ptx/global.h"
#include "cuda/tile/math.h"

namespace wl::cuda {

struct PlainScore {
  static constexpr bool kPlain = true, kModifiedTiles = false;
  static constexpr const char* kName = "";
};

// The plain loop over the tiles of the kernels that modify scores, whose bits it has: for batch-invariant calls.
struct PlainInvariantScore {
  static constexpr bool kPlain = true, kModifiedTiles = true;
  static constexpr const char* kName = ".invariant";
};

// What policies that modify scores derive from.
struct ScoreModifier {
  static constexpr bool kPlain = false, kModifiedTiles = true;
};

// softcap * tanh(scale * product / softcap) - slope * |position - key|, each where it is asked for. Without both the score
// is the product, with the sign of the scale, so that the bits are those of the plain kernel.
struct ModifiedScore : ScoreModifier {
  static constexpr const char* kName = ".modified";
  float scale;
  float softcap;               // 0: none
  float inverse;               // 2 log2(e) / softcap
  Global<const float> slopes;  // null: none
  int64_t slope_batch_stride, slope_head_stride;

  struct OfHead {
    float scale, softcap, inverse;
    float slope;
    bool capped, sloped;
    WL_DEVICE float operator()(float product, int position, int key) const {
      const float x = product * scale;
      return biased(capped ? softcap * tanh_of_half(x * inverse) : x, position, key);
    }
    WL_DEVICE float precise(float product, int position, int key) const {
      const float x = product * scale;
      return biased(capped ? softcap * precise_tanh(x / softcap, x * inverse) : x, position, key);
    }

   private:
    WL_DEVICE float biased(float x, int position, int key) const {
      if (!sloped) return x;
      const int distance = position > key ? position - key : key - position;
      return ptx::fma_rn_f32(-slope, static_cast<float>(distance), x);
    }
    // tanh(y) = 1 - 2 / (e^2y + 1), of `exponent` = 2 y log2(e); errs by 2^-23 in absolute terms.
    static WL_DEVICE float tanh_of_half(float exponent) {
      return ptx::fma_rn_f32(-2, ptx::rcp_approx_ftz_f32(ptx::ex2_approx_ftz_f32(exponent) + 1), 1);
    }
    // Small y by y + y^3 p(y^2), p of degree 4 through the Chebyshev nodes of [0, 0.36] (relative error 1.1e-8).
    static WL_DEVICE float precise_tanh(float y, float exponent) {
      const float u = y * y;
      const float p = polynomial(u, -0.33333330f, 0.13332915f, -0.053873949f, 0.021110959f, -0.0062691197f);
      return u < 0.36f ? ptx::fma_rn_f32(y * u, p, y) : tanh_of_half(exponent);
    }
  };
  WL_DEVICE OfHead for_head(int sequence, int head, Site s = Site::here()) const {
    OfHead h{scale, softcap, inverse, 0, softcap != 0, static_cast<bool>(slopes)};
    if (h.sloped)
      h.slope = ptx::mov_f32_b32(
          ptx::ld_global_nc_b32(slopes + (sequence * slope_batch_stride + head * slope_head_stride), s));
    return h;
  }
};

}  // namespace wl::cuda
