// y[t] = table[ids[t]], copied bit by bit or converted: an item (tile/items.h) is one access of a row. An id outside the
// table gives a row of zeros. Bound by memory.
#include "core/tensor.h"
#include "cuda/elementwise/elementwise.h"
#include "cuda/elementwise/tuning.h"
#include "cuda/runtime/launch.h"
#include "cuda/tile/items.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {
namespace {

struct EmbeddingParams {
  Elements table, y;
  const int32_t* ids;
  int64_t table_stride, id_stride, y_stride, vocabulary;
  Items items;
};

template <int V>
WL_KERNEL(kEmbeddingTuning.threads, 1)
embedding_kernel(const WL_GRID_CONSTANT EmbeddingParams p) {
  Item item;
  if (!item_of_thread(p.items, kEmbeddingTuning.threads, &item)) return;
  const int64_t id = load_index(p.ids, item.row * p.id_stride);
  const int64_t column = static_cast<int64_t>(item.chunk) * V, to = item.row * p.y_stride + column;
  if (id < 0 || id >= p.vocabulary) return store_raw<V>(p.y, to, {});
  convert<V>(p.table, id * p.table_stride + column, p.y, to);
}

const Kernel<EmbeddingParams> kWidth8("elementwise.embedding.sm80.16bit", &embedding_kernel<8>);
const Kernel<EmbeddingParams> kWidth4("elementwise.embedding.sm80.32bit", &embedding_kernel<4>);
const Kernel<EmbeddingParams> kWidth1("elementwise.embedding.sm80.unaligned", &embedding_kernel<1>);

}  // namespace

void embedding(const wl_embedding_params& p, const Launch& at) {
  if (elements(p.y) == 0) return;
  const int64_t columns = p.y.shape[1];
  const int widest = access_width({&p.table, &p.y});
  const bool whole = columns % widest == 0 && rows_aligned({&p.table, &p.y}, widest);
  const int width = whole ? widest : 1;
  require_row_items(1, columns, "y.shape[1]");
  EmbeddingParams k{};
  k.table = elements_of(p.table);
  k.y = elements_of(p.y);
  k.ids = indices_of(p.ids);
  k.table_stride = p.table.strides[0];
  k.id_stride = p.ids.strides[0];
  k.y_stride = p.y.strides[0];
  k.vocabulary = p.table.shape[0];
  k.items = items_of(p.y.shape[0], columns / width);
  launch(width == 8   ? kWidth8
         : width == 4 ? kWidth4
                      : kWidth1,
         {.grid = {item_blocks(k.items, kEmbeddingTuning.threads), item_slabs(k.items)},
          .threads = kEmbeddingTuning.threads},
         at, k);
}

}  // namespace wl::cuda
