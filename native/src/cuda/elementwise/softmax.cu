// Softmax and its logarithm over rows: a team of threads (tile/row.h) holds a row in registers, takes its maximum, the
// exponentials and their sum, and writes. Bound by memory; rows of more than one tile are read once for each of the three
// steps.
#include "core/tensor.h"
#include "cuda/elementwise/elementwise.h"
#include "cuda/elementwise/tuning.h"
#include "cuda/runtime/launch.h"
#include "cuda/tile/math.h"
#include "cuda/tile/row.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {
namespace {

struct SoftmaxParams {
  Elements x, y;
  int64_t x_stride, y_stride;
  RowShape shape;
  bool logarithm;
};

template <int V>
WL_KERNEL(kSoftmaxTuning.most_threads, 1)
softmax_kernel(const WL_GRID_CONSTANT SoftmaxParams p) {
  Team team(p.shape.threads, ptx::shared_base());
  const uint32_t r = team_row(team, p.shape);
  const TeamRow<V> row(team, r < p.shape.rows ? p.shape.length : 0, p.shape.aligned);
  const int64_t from = r * p.x_stride, to = r * p.y_stride;
  const bool once = p.shape.tiles == 1;
  float h[kRowAccesses][V];

  float largest = -infinity();
  for (uint32_t tile = 0; tile < p.shape.tiles; ++tile) {
    row.load_tile(p.x, from, tile, -infinity(), h);
    WL_UNROLL
    for (int i = 0; i < kRowAccesses; ++i) {
      WL_UNROLL
      for (int j = 0; j < V; ++j) largest = ptx::max_f32(largest, h[i][j]);
    }
  }
  largest = team.reduce(largest, LargestOf());
  // In a row of -infinity nothing is taken off, so that the differences are no NaN and the sum is 0.
  const float base = largest == -infinity() ? 0.0f : largest;

  float sum = 0;
  for (uint32_t tile = 0; tile < p.shape.tiles; ++tile) {
    if (!once) row.load_tile(p.x, from, tile, -infinity(), h);
    WL_UNROLL
    for (int i = 0; i < kRowAccesses; ++i) {
      WL_UNROLL
      for (int j = 0; j < V; ++j) {
        h[i][j] -= base;
        const float e = exp_f32(h[i][j]);
        sum += e;
        if (!p.logarithm) h[i][j] = e;
      }
    }
  }
  sum = team.reduce(sum, SumOf());
  const float log_sum = sum == 0 ? 0.0f : log_f32(sum);
  const float inverse = sum == 0 ? 0.0f : ptx::div_rn_f32(1.0f, sum);

  for (uint32_t tile = 0; tile < p.shape.tiles; ++tile) {
    if (!once) row.load_tile(p.x, from, tile, -infinity(), h);
    WL_UNROLL
    for (int i = 0; i < kRowAccesses; ++i) {
      const int64_t at = row.at(tile, i);
      if (row.count(at) == 0) continue;
      float y[V];
      WL_UNROLL
      for (int j = 0; j < V; ++j) {
        const float difference = once ? h[i][j] : h[i][j] - base;
        if (p.logarithm) {
          y[j] = difference - log_sum;
        } else {
          y[j] = (once ? h[i][j] : exp_f32(difference)) * inverse;
        }
      }
      row.store(p.y, to, at, y);
    }
  }
}

const Kernel<SoftmaxParams> kWidth8("elementwise.softmax.sm80.16bit", &softmax_kernel<8>, kReduceBytes);
const Kernel<SoftmaxParams> kWidth4("elementwise.softmax.sm80.32bit", &softmax_kernel<4>, kReduceBytes);

}  // namespace

void softmax(const wl_softmax_params& p, const Launch& at) {
  if (elements(p.x) == 0) return;
  require_rows(p.x.shape[0], "x.shape[0]");
  const int width = access_width({&p.x, &p.y});
  SoftmaxParams k{};
  k.x = elements_of(p.x);
  k.y = elements_of(p.y);
  k.x_stride = p.x.strides[0];
  k.y_stride = p.y.strides[0];
  k.shape = row_shape(p.x.shape[1], p.x.shape[0], width, rows_aligned({&p.x, &p.y}, width),
                      kSoftmaxTuning.most_threads);
  k.logarithm = (p.flags & WL_SOFTMAX_LOG) != 0;
  launch(width == 8 ? kWidth8 : kWidth4,
         {.grid = {row_blocks(k.shape)}, .threads = k.shape.block, .shared_bytes = kReduceBytes}, at, k);
}

}  // namespace wl::cuda
