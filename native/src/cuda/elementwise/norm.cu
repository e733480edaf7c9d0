// RMSNorm and LayerNorm with an optional residual: h = x + residual, y = (h - mean) / sqrt(mean square + epsilon) *
// weight + bias. A team of threads (tile/row.h) holds a row of h in registers: it loads x and the residual, reduces, and
// stores y and residual_out. Bound by memory: each tensor moves once, the weights stay in the caches; rows of more than
// one tile are read again in each pass, mostly from the L2.
//
// LayerNorm: the rounded mean is taken off, then the mean of what is left, so that a mean far from zero costs no digits.
// Squares that leave float32 are summed again with the row scaled by a power of two.
#include "core/tensor.h"
#include "cuda/elementwise/elementwise.h"
#include "cuda/elementwise/tuning.h"
#include "cuda/runtime/launch.h"
#include "cuda/tile/divide.h"
#include "cuda/tile/math.h"
#include "cuda/tile/row.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {
namespace {

// The leading axes of a tensor: row (a, b, c) begins at their product with the strides.
struct NormTensor {
  Elements elements;
  int64_t strides[3];
};

struct NormParams {
  NormTensor x, residual, y, residual_out;
  Elements weight, bias;
  Divisor second, third;  // extents of the axes b and c
  RowShape shape;
  float epsilon, weight_offset;
  bool layer, has_residual, has_residual_out, has_weight, has_bias;
};

template <int V>
class NormRow {
 public:
  WL_DEVICE NormRow(const NormParams& p, Team& team, uint32_t row)
      : p_(p), team_(team), row_(team, row < p.shape.rows ? p.shape.length : 0, p.shape.aligned) {
    const uint32_t used = row < p.shape.rows ? row : 0, rest = divide(used, p.third);
    index_[0] = divide(rest, p.second);
    index_[1] = rest - index_[0] * p.second.value;
    index_[2] = used - rest * p.third.value;
    if (p.shape.tiles == 1) read(0);
  }

  WL_DEVICE void run() {
    const auto n = static_cast<float>(p_.shape.length);
    const float mean = p_.layer ? ptx::div_rn_f32(team_.reduce(sum(), SumOf()), n) : 0.0f;
    float rest = 0;  // of the mean
    const float root = root_mean_square(
        [&](float scale) {
          const FloatPair sums = team_.reduce(deviations(mean, scale), SumOf());
          if (!p_.layer) return sums.b;
          // The mean of the deviations is what rounding took from the mean.
          const float scaled = ptx::div_rn_f32(sums.a, n);
          rest = ptx::div_rn_f32(scaled, scale);
          return ptx::max_f32(ptx::fma_rn_f32(-scaled, sums.a, sums.b), 0.0f);
        },
        n, p_.epsilon);
    write(mean, rest, ptx::div_rn_f32(1.0f, root));
  }

 private:
  WL_DEVICE int64_t begin(const NormTensor& t) const {
    return index_[0] * t.strides[0] + index_[1] * t.strides[1] + index_[2] * t.strides[2];
  }

  WL_DEVICE void read(uint32_t tile) {
    row_.load_tile(p_.x.elements, begin(p_.x), tile, 0.0f, h_);
    if (!p_.has_residual) return;
    float other[kRowAccesses][V];
    row_.load_tile(p_.residual.elements, begin(p_.residual), tile, 0.0f, other);
    WL_UNROLL
    for (int i = 0; i < kRowAccesses; ++i) {
      WL_UNROLL
      for (int j = 0; j < V; ++j) h_[i][j] += other[i][j];
    }
  }

  // use(tile): with h of the tile in registers.
  template <class Use>
  WL_DEVICE void for_tiles(Use use) {
    for (uint32_t tile = 0; tile < p_.shape.tiles; ++tile) {
      if (p_.shape.tiles > 1) read(tile);
      use(tile);
    }
  }

  WL_DEVICE float sum() {
    float total = 0;
    for_tiles([&](uint32_t) {
      WL_UNROLL
      for (int i = 0; i < kRowAccesses; ++i) {
        WL_UNROLL
        for (int j = 0; j < V; ++j) total += h_[i][j];
      }
    });
    return total;
  }

  // Sums of (h - mean) and of its square, both scaled.
  WL_DEVICE FloatPair deviations(float mean, float scale) {
    FloatPair total{0, 0};
    for_tiles([&](uint32_t tile) {
      WL_UNROLL
      for (int i = 0; i < kRowAccesses; ++i) {
        const int n = row_.count(row_.at(tile, i));
        WL_UNROLL
        for (int j = 0; j < V; ++j) {
          const float d = j < n ? (h_[i][j] - mean) * scale : 0.0f;
          total.a += d;
          total.b = ptx::fma_rn_f32(d, d, total.b);
        }
      }
    });
    return total;
  }

  WL_DEVICE void write(float mean, float rest, float inverse) {
    for_tiles([&](uint32_t tile) {
      float y[kRowAccesses][V];
      if (p_.has_residual_out) store(p_.residual_out, tile, h_);
      WL_UNROLL
      for (int i = 0; i < kRowAccesses; ++i) {
        WL_UNROLL
        for (int j = 0; j < V; ++j) y[i][j] = (h_[i][j] - mean - rest) * inverse;
      }
      if (p_.has_weight) {
        float weight[kRowAccesses][V];
        row_.load_tile(p_.weight, 0, tile, 0.0f, weight);
        WL_UNROLL
        for (int i = 0; i < kRowAccesses; ++i) {
          WL_UNROLL
          for (int j = 0; j < V; ++j) y[i][j] *= weight[i][j] + p_.weight_offset;
        }
      }
      if (p_.has_bias) {
        float bias[kRowAccesses][V];
        row_.load_tile(p_.bias, 0, tile, 0.0f, bias);
        WL_UNROLL
        for (int i = 0; i < kRowAccesses; ++i) {
          WL_UNROLL
          for (int j = 0; j < V; ++j) y[i][j] += bias[i][j];
        }
      }
      store(p_.y, tile, y);
    });
  }

  WL_DEVICE void store(const NormTensor& t, uint32_t tile, const float (&h)[kRowAccesses][V]) {
    WL_UNROLL
    for (int i = 0; i < kRowAccesses; ++i) {
      row_.store(t.elements, begin(t), row_.at(tile, i), h[i]);
    }
  }

  const NormParams& p_;
  Team& team_;
  TeamRow<V> row_;
  uint32_t index_[3];
  float h_[kRowAccesses][V];
};

template <int V>
WL_KERNEL(kNormTuning.most_threads, 1)
norm_kernel(const WL_GRID_CONSTANT NormParams p) {
  Team team(p.shape.threads, ptx::shared_base());
  NormRow<V>(p, team, team_row(team, p.shape)).run();
}

NormTensor norm_tensor(const wl_tensor& t) {
  NormTensor n{elements_of(t), {}};
  for (int axis = t.rank - 2, i = 2; axis >= 0; --axis, --i) n.strides[i] = t.strides[axis];
  return n;
}

const Kernel<NormParams> kWidth8("elementwise.norm.sm80.16bit", &norm_kernel<8>, kReduceBytes);
const Kernel<NormParams> kWidth4("elementwise.norm.sm80.32bit", &norm_kernel<4>, kReduceBytes);

}  // namespace

void norm(const wl_norm_params& p, const Launch& at) {
  const int64_t count = elements(p.x);
  if (count == 0) return;
  const int64_t length = p.x.shape[p.x.rank - 1], rows = count / length;
  require_rows(rows, "x.shape");
  const int width = access_width({&p.x, &p.residual, &p.weight, &p.bias, &p.y, &p.residual_out});
  const bool aligned = rows_aligned({&p.x, &p.residual, &p.weight, &p.bias, &p.y, &p.residual_out}, width);
  const auto extent = [&](int from_last) {
    return p.x.rank > from_last ? static_cast<uint32_t>(p.x.shape[p.x.rank - 1 - from_last]) : 1u;
  };
  NormParams k{};
  k.x = norm_tensor(p.x);
  k.residual = norm_tensor(p.residual);
  k.y = norm_tensor(p.y);
  k.residual_out = norm_tensor(p.residual_out);
  k.weight = elements_of(p.weight);
  k.bias = elements_of(p.bias);
  k.third = divisor(extent(1));
  k.second = divisor(extent(2));
  k.shape = row_shape(length, rows, width, aligned, kNormTuning.most_threads);
  k.epsilon = p.epsilon;
  k.weight_offset = (p.flags & WL_NORM_ZERO_CENTERED) ? 1.0f : 0.0f;
  k.layer = p.kind == WL_NORM_LAYER;
  k.has_residual = present(p.residual);
  k.has_residual_out = present(p.residual_out);
  k.has_weight = present(p.weight);
  k.has_bias = present(p.bias);
  launch(width == 8 ? kWidth8 : kWidth4,
         {.grid = {row_blocks(k.shape)}, .threads = k.shape.block, .shared_bytes = kReduceBytes}, at, k);
}

}  // namespace wl::cuda
