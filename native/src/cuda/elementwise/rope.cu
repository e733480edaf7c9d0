// Rotary embedding from tables of cos and sin: an item (tile/items.h) is one chunk of one head (tile/rotate.h). A position
// outside the tables gives zeros in place of the rotated elements. Bound by memory: the heads of a token find its row of
// the tables in the caches.
#include "core/tensor.h"
#include "cuda/elementwise/elementwise.h"
#include "cuda/elementwise/tuning.h"
#include "cuda/runtime/launch.h"
#include "cuda/tile/items.h"
#include "cuda/tile/rotate.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {
namespace {

struct RopeParams {
  Elements x, y;
  int64_t x_token, x_head, y_token, y_head, position_stride;
  const int32_t* positions;
  Rotation rotation;
  HeadChunks chunks;
  Divisor head_chunks;
  Items items;
};

template <int V>
WL_KERNEL(kRopeTuning.threads, 1)
rope_kernel(const WL_GRID_CONSTANT RopeParams p) {
  Item item;
  if (!item_of_thread(p.items, kRopeTuning.threads, &item)) return;
  const uint32_t head = divide(item.chunk, p.head_chunks), chunk = item.chunk - head * p.head_chunks.value;
  const int64_t position = load_index(p.positions, item.row * p.position_stride);
  rotate_chunk<V>(p.x, item.row * p.x_token + head * p.x_head, p.y, item.row * p.y_token + head * p.y_head,
                  p.rotation, p.chunks, position, chunk);
}

const Kernel<RopeParams> kWidth8("elementwise.rope.sm80.16bit", &rope_kernel<8>);
const Kernel<RopeParams> kWidth4("elementwise.rope.sm80.32bit", &rope_kernel<4>);
const Kernel<RopeParams> kWidth1("elementwise.rope.sm80.unaligned", &rope_kernel<1>);

}  // namespace

void rope(const wl_rope_params& p, const Launch& at) {
  if (elements(p.x) == 0) return;
  const int64_t heads = p.x.shape[1], d = p.x.shape[2];
  RopeParams k{};
  k.rotation = rotation_of(p.cos, p.sin, (p.flags & WL_ROPE_INTERLEAVED) != 0);
  const int widest = access_width({&p.x, &p.y});
  const bool whole = heads_aligned(d, k.rotation, widest) && rows_aligned({&p.x, &p.y}, widest) &&
                     rows_aligned({&p.cos, &p.sin}, 4);
  const int width = whole ? widest : 1;
  require_row_items(heads, d, "x.shape");
  k.x = elements_of(p.x);
  k.y = elements_of(p.y);
  k.x_token = p.x.strides[0];
  k.x_head = p.x.strides[1];
  k.y_token = p.y.strides[0];
  k.y_head = p.y.strides[1];
  k.positions = indices_of(p.positions);
  k.position_stride = p.positions.strides[0];
  k.chunks = head_chunks(d, k.rotation, width);
  k.head_chunks = divisor(k.chunks.all);
  k.items = items_of(p.x.shape[0], heads * k.chunks.all);
  launch(width == 8   ? kWidth8
         : width == 4 ? kWidth4
                      : kWidth1,
         {.grid = {item_blocks(k.items, kRopeTuning.threads), item_slabs(k.items)},
          .threads = kRopeTuning.threads},
         at, k);
}

}  // namespace wl::cuda
