// Append to the cache: token i of sequence b goes to position lengths[b] + i, keys rotated on the way. An item
// (tile/items.h) is one chunk of one head of a token's keys, then of its values (tile/rotate.h). Each thread finds its
// token's sequence by binary search in the offsets, which the caches hold. Bound by memory.
//
//   row: | k head 0: chunks | k head 1: chunks | ... | v head 0: chunks | ...
//
// A token is left out where its sequence's length is negative or its position lies outside the cache or the tables, and
// where the offsets name no sequence for it.
#include "core/tensor.h"
#include "cuda/kv_cache/kv_cache.h"
#include "cuda/kv_cache/tuning.h"
#include "cuda/runtime/launch.h"
#include "cuda/tile/items.h"
#include "cuda/tile/rotate.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {
namespace {

// New rows and their cache.
struct AppendSide {
  Elements from, to;
  int64_t token, head;                              // strides of the rows
  int64_t cache_batch, cache_position, cache_head;  // strides of the cache
  Rotation rotation;
  HeadChunks chunks;
  Divisor head_chunks;
};

struct AppendParams {
  AppendSide k, v;
  uint32_t k_chunks;  // of all heads
  Items items;
  const int32_t* lengths;
  const int32_t* offsets;  // nullptr: one sequence of all tokens
  int64_t length_stride, offset_stride, batch, capacity;
};

template <int V>
WL_DEVICE void append_chunk(const AppendSide& side, int64_t token, int64_t batch, int64_t position,
                            uint32_t chunk) {
  const uint32_t head = divide(chunk, side.head_chunks);
  const int64_t to = batch * side.cache_batch + position * side.cache_position + head * side.cache_head;
  rotate_chunk<V>(side.from, token * side.token + head * side.head, side.to, to, side.rotation, side.chunks,
                  position, chunk - head * side.head_chunks.value);
}

template <int V>
WL_KERNEL(kAppendTuning.threads, 1)
append_kernel(const WL_GRID_CONSTANT AppendParams p) {
  Item item;
  if (!item_of_thread(p.items, kAppendTuning.threads, &item)) return;
  int64_t batch = 0, begin = 0;
  if (p.offsets != nullptr) {
    // The last sequence that begins at or before the token: empty ones end there too.
    for (int64_t high = p.batch; high - batch > 1;) {
      const int64_t middle = batch + (high - batch) / 2;
      (load_index(p.offsets, middle * p.offset_stride) <= item.row ? batch : high) = middle;
    }
    begin = load_index(p.offsets, batch * p.offset_stride);
    if (item.row < begin || item.row >= load_index(p.offsets, (batch + 1) * p.offset_stride)) return;
  }
  const int64_t length = load_index(p.lengths, batch * p.length_stride);
  const int64_t position = length + item.row - begin;
  if (length < 0 || position >= p.capacity || position >= p.k.rotation.positions) return;
  if (item.chunk < p.k_chunks) {
    append_chunk<V>(p.k, item.row, batch, position, item.chunk);
  } else {
    append_chunk<V>(p.v, item.row, batch, position, item.chunk - p.k_chunks);
  }
}

AppendSide append_side(const wl_tensor& rows, const wl_tensor& cache, const Rotation& rotation, int width) {
  const HeadChunks chunks = head_chunks(rows.shape[2], rotation, width);
  return {elements_of(rows),
          elements_of(cache),
          rows.strides[0],
          rows.strides[1],
          cache.strides[0],
          cache.strides[1],
          cache.strides[2],
          rotation,
          chunks,
          divisor(chunks.all > 0 ? chunks.all : 1)};
}

const Kernel<AppendParams> kWidth8("kv_cache.append.sm80.16bit", &append_kernel<8>);
const Kernel<AppendParams> kWidth4("kv_cache.append.sm80.32bit", &append_kernel<4>);
const Kernel<AppendParams> kWidth1("kv_cache.append.sm80.unaligned", &append_kernel<1>);

}  // namespace

void kv_append(const wl_kv_append_params& p, const Launch& at) {
  const int64_t heads = p.k.shape[1], d_k = p.k.shape[2], d_v = p.v.shape[2];
  if (p.k.shape[0] == 0 || p.k_cache.shape[0] == 0 || heads == 0 || d_k + d_v == 0) return;
  require_row_items(heads, d_k + d_v, "k.shape");
  const Rotation rotation = rotation_of(p.cos, p.sin, (p.flags & WL_KV_APPEND_ROPE_INTERLEAVED) != 0);
  const int widest = access_width({&p.k, &p.k_cache});
  const bool whole = heads_aligned(d_k, rotation, widest) && d_v % widest == 0 &&
                     rows_aligned({&p.k, &p.v, &p.k_cache, &p.v_cache}, widest) &&
                     rows_aligned({&p.cos, &p.sin}, 4);
  const int width = whole ? widest : 1;
  AppendParams k{};
  k.k = append_side(p.k, p.k_cache, rotation, width);
  k.v = append_side(p.v, p.v_cache, {}, width);
  k.k_chunks = static_cast<uint32_t>(heads) * k.k.chunks.all;
  k.items = items_of(p.k.shape[0], heads * (int64_t{k.k.chunks.all} + k.v.chunks.all));
  k.lengths = indices_of(p.lengths);
  k.length_stride = p.lengths.strides[0];
  if (present(p.cu_seqlens)) k.offsets = indices_of(p.cu_seqlens);
  k.offset_stride = p.cu_seqlens.strides[0];
  k.batch = p.k_cache.shape[0];
  k.capacity = p.k_cache.shape[1];
  launch(width == 8   ? kWidth8
         : width == 4 ? kWidth4
                      : kWidth1,
         {.grid = {item_blocks(k.items, kAppendTuning.threads), item_slabs(k.items)},
          .threads = kAppendTuning.threads},
         at, k);
}

}  // namespace wl::cuda
