// From sums to y: bias, activation, the gated pair, residual, the type of y; four neighbouring columns at a time, so that
// a warp writes whole sectors of any type. Shared by all kernels of the family.
#pragma once

#include "cuda/gemm/params.h"
#include "cuda/tile/activation.h"
#include "cuda/tile/elements.h"

namespace wl::cuda::product {

// Columns [first, first + 4) of y, cut at n, with their biases (zero where there is none).
struct Columns {
  int first, count;
  float bias[4], up_bias[4];
};

WL_DEVICE void load_bias(const View& bias, int first, int count, float (&v)[4], Site s) {
  if (bias.data != nullptr && count == 4 && bias.fours)
    return load(Elements{bias.data, bias.dtype}, first, v, s);
  WL_UNROLL
  for (int j = 0; j < 4; ++j) {
    v[j] = 0;
    if (bias.data != nullptr && j < count)
      v[j] = load_one(Elements{bias.data, bias.dtype}, (first + j) * bias.stride, s);
  }
}

// first < n.
WL_DEVICE Columns columns_at(const GemmParams& p, int first, Site s = Site::here()) {
  Columns c;
  c.first = first;
  c.count = p.n - first < 4 ? p.n - first : 4;
  load_bias(p.bias, first, c.count, c.bias, s);
  load_bias(p.up_bias, first, c.count, c.up_bias, s);
  return c;
}

// v: sums of x W^T; u: of x U^T, used where there is a second weight.
WL_DEVICE void finish(const GemmParams& p, int row, const Columns& c, float (&v)[4], const float (&u)[4],
                      Site s = Site::here()) {
  WL_UNROLL
  for (int j = 0; j < 4; ++j) {
    v[j] = activate<true>(p.activation, v[j] + c.bias[j]);
    if (p.gated) v[j] *= u[j] + c.up_bias[j];
  }
  if (p.residual.data != nullptr) {
    const int64_t at = row * p.residual.stride + c.first;
    float r[4] = {};
    if (c.count == 4 && p.residual.fours) {
      load(Elements{p.residual.data, p.residual.dtype}, at, r, s);
    } else {
      WL_UNROLL
      for (int j = 0; j < 4; ++j)
        if (j < c.count) r[j] = load_one(Elements{p.residual.data, p.residual.dtype}, at + j, s);
    }
    WL_UNROLL
    for (int j = 0; j < 4; ++j) v[j] += r[j];
  }
  const int64_t at = row * p.y.stride + c.first;
  if (c.count == 4 && p.y.fours) {
    store(Elements{p.y.data, p.y.dtype}, at, v, s);
  } else {
    WL_UNROLL
    for (int j = 0; j < 4; ++j)
      if (j < c.count) store_one(Elements{p.y.data, p.y.dtype}, at + j, v[j], s);
  }
}

}  // namespace wl::cuda::product
