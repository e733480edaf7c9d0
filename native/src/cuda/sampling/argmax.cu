// Index of each row's largest element, the lowest among equals: a block reads a row once, each thread keeps the largest
// key (keys.h) of what it saw, and the block takes the largest of these. NaN has no key: a row of NaN gives 0. Bound by
// memory.
#include "core/tensor.h"
#include "cuda/runtime/launch.h"
#include "cuda/sampling/keys.h"
#include "cuda/sampling/sampling.h"
#include "cuda/sampling/tuning.h"
#include "cuda/tile/row.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {
namespace {

struct ArgmaxParams {
  Elements logits;
  int32_t* ids;
  int64_t logit_stride, id_stride, columns;
  uint32_t threads;
  TokenKeys keys;
  bool aligned;
};

template <int V>
WL_KERNEL(kArgmaxTuning.most_threads, 1)
argmax_kernel(const WL_GRID_CONSTANT ArgmaxParams p) {
  constexpr int K = kArgmaxTuning.accesses;
  Team block(p.threads, ptx::shared_base());
  const Row<V> row(p.columns, p.aligned);
  const int64_t r = ptx::ctaid_x();
  uint64_t best = 0;
  for (int64_t base = 0; base < p.columns; base += int64_t{p.threads} * K * V) {
    const auto at = [&](int i) { return base + (int64_t{p.threads} * i + block.rank()) * V; };
    float x[K][V];
    row.load(
        p.logits,
        [&](int i) {
          return typename Row<V>::Place{r * p.logit_stride, at(i)};
        },
        0.0f, x);
    WL_UNROLL
    for (int i = 0; i < K; ++i) {
      const int n = row.count(at(i));
      WL_UNROLL
      for (int j = 0; j < V; ++j) {
        if (j >= n || x[i][j] != x[i][j]) continue;
        const uint64_t key = p.keys.key(x[i][j], static_cast<uint32_t>(at(i) + j));
        best = key > best ? key : best;
      }
    }
  }
  best = block.reduce(best, LargestOf());
  if (block.rank() != 0) return;
  const uint32_t id = best == 0 ? 0 : p.keys.id(best);
  ptx::st_global_b32(Global<int32_t>{p.ids} + r * p.id_stride, id);
}

const Kernel<ArgmaxParams> kWidth8("sampling.argmax.sm80.16bit", &argmax_kernel<8>, kReduceBytes);
const Kernel<ArgmaxParams> kWidth4("sampling.argmax.sm80.32bit", &argmax_kernel<4>, kReduceBytes);

}  // namespace

void argmax(const wl_argmax_params& p, const Launch& at) {
  const int64_t rows = p.logits.shape[0], columns = p.logits.shape[1];
  if (rows == 0) return;
  require_rows(rows, "logits.shape[0]");
  const int width = access_width({&p.logits});
  ArgmaxParams k{};
  k.logits = elements_of(p.logits);
  k.ids = static_cast<int32_t*>(p.ids.data);
  k.logit_stride = p.logits.strides[0];
  k.id_stride = p.ids.strides[0];
  k.columns = columns;
  k.threads = row_block_threads(columns, width * kArgmaxTuning.accesses, kArgmaxTuning.most_threads);
  k.keys = {id_bits(columns)};
  k.aligned = rows_aligned({&p.logits}, width);
  launch(width == 8 ? kWidth8 : kWidth4,
         {.grid = {static_cast<uint32_t>(rows)}, .threads = k.threads, .shared_bytes = kReduceBytes}, at, k);
}

}  // namespace wl::cuda
