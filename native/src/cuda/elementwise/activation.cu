// y = act(x), or act(x) * up: an item (tile/items.h) is one access of each tensor. Bound by memory; GELU for 16-bit
// types also by arithmetic, some 30 instructions an element where 36 fit into the time of its bytes on an H100.
#include "core/tensor.h"
#include "cuda/elementwise/elementwise.h"
#include "cuda/elementwise/tuning.h"
#include "cuda/runtime/launch.h"
#include "cuda/tile/activation.h"
#include "cuda/tile/items.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {
namespace {

struct ActivationParams {
  Elements x, up, y;
  int64_t x_stride, up_stride, y_stride;
  Items items;
  int32_t activation;
  bool has_up;
};

template <int V>
WL_KERNEL(kActivationTuning.threads, 1)
activation_kernel(const WL_GRID_CONSTANT ActivationParams p) {
  Item item;
  if (!item_of_thread(p.items, kActivationTuning.threads, &item)) return;
  const int64_t row = item.row, column = static_cast<int64_t>(item.chunk) * V;
  const RawElements raw_x = load_raw<V>(p.x, row * p.x_stride + column);
  RawElements raw_up{};
  if (p.has_up) raw_up = load_raw<V>(p.up, row * p.up_stride + column);
  float x[V], up[V];
  unpack(p.x.dtype, raw_x, x);
  WL_UNROLL
  for (int j = 0; j < V; ++j) x[j] = activate<V != 8>(p.activation, x[j]);
  if (p.has_up) {
    unpack(p.up.dtype, raw_up, up);
    WL_UNROLL
    for (int j = 0; j < V; ++j) x[j] *= up[j];
  }
  store(p.y, row * p.y_stride + column, x);
}

const Kernel<ActivationParams> kWidth8("elementwise.activation.sm80.16bit", &activation_kernel<8>);
const Kernel<ActivationParams> kWidth4("elementwise.activation.sm80.32bit", &activation_kernel<4>);
const Kernel<ActivationParams> kWidth1("elementwise.activation.sm80.unaligned", &activation_kernel<1>);

}  // namespace

void activation(const wl_activation_params& p, const Launch& at) {
  if (elements(p.x) == 0) return;
  const int64_t columns = p.x.shape[1];
  const int widest = access_width({&p.x, &p.up, &p.y});
  const bool whole = columns % widest == 0 && rows_aligned({&p.x, &p.up, &p.y}, widest);
  const int width = whole ? widest : 1;
  require_row_items(1, columns, "x.shape[1]");
  ActivationParams k{};
  k.x = elements_of(p.x);
  k.up = elements_of(p.up);
  k.y = elements_of(p.y);
  k.x_stride = p.x.strides[0];
  k.up_stride = p.up.strides[0];
  k.y_stride = p.y.strides[0];
  k.items = items_of(p.x.shape[0], columns / width);
  k.activation = p.activation;
  k.has_up = present(p.up);
  launch(width == 8   ? kWidth8
         : width == 4 ? kWidth4
                      : kWidth1,
         {.grid = {item_blocks(k.items, kActivationTuning.threads), item_slabs(k.items)},
          .threads = kActivationTuning.threads},
         at, k);
}

}  // namespace wl::cuda
