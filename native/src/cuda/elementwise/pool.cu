// One row for each packed sequence: mean, first, last or maximum of its token rows, optionally brought to length one. A
// block works on a sequence: its threads are lanes over the columns, V elements each, times groups over the tokens, whose
// results meet in shared memory, group by group.
//
//   token | group 0: lane 0, 1, 2 ...
//         | group 1: lane 0, 1, 2 ...   tokens begin + group, + groups, + 2 groups ...
//
// The mean is summed with the rounding errors kept beside the sum, as accurate as in double. Bound by memory: x moves
// once; a row of more columns than a block's lanes hold (a tile) is made again where it is brought to length one.
// Offsets are cut to the rows that exist.
#include "core/rounding.h"
#include "core/tensor.h"
#include "cuda/elementwise/elementwise.h"
#include "cuda/elementwise/tuning.h"
#include "cuda/runtime/launch.h"
#include "cuda/tile/math.h"
#include "cuda/tile/row.h"
#include "cuda/tile/tensors.h"

namespace wl::cuda {
namespace {

constexpr uint32_t kPoolThreads = kPoolTuning.threads;

constexpr uint32_t pool_shared_bytes(int width) {
  return kReduceBytes + static_cast<uint32_t>(width) * kPoolThreads * static_cast<uint32_t>(sizeof(U2));
}

struct PoolParams {
  Elements x, y;
  const int32_t* offsets;
  int64_t x_stride, y_stride, offset_stride, total, columns;
  uint32_t lanes, tiles;
  int32_t kind;
  bool aligned, normalize;
};

// A sum and what rounding took from it.
struct LongSum {
  float high = 0, low = 0;
  WL_DEVICE void add(float x) {
    const float sum = high + x, part = sum - high;
    low += (high - (sum - part)) + (x - part);
    high = sum;
  }
  // An infinite sum has no rest.
  WL_DEVICE float value() const {
    const float sum = high + low;
    return high - high == 0 ? sum : high;
  }
};

WL_DEVICE void take(int32_t kind, LongSum* state, LongSum x) {
  if (kind == WL_POOL_MEAN) {
    state->add(x.high);
    state->low += x.low;
  } else if (kind != WL_POOL_MAX || x.high > state->high || x.high != x.high) {
    state->high = x.high;  // NaN stays in a maximum: a bad value shows.
  }
}

template <int V>
class PoolSequence {
 public:
  WL_DEVICE PoolSequence(const PoolParams& p, SharedAddress shared)
      : p_(p),
        shared_(shared),
        lane_(ptx::tid_x() & (p.lanes - 1)),
        group_(ptx::tid_x() / p.lanes),
        groups_(kPoolThreads / p.lanes) {
    const int64_t sequence = ptx::ctaid_x();
    const auto offset = [&](int64_t i) {
      const int64_t at = load_index(p.offsets, i * p.offset_stride);
      return at < 0 ? 0 : at > p.total ? p.total : at;
    };
    begin_ = offset(sequence);
    end_ = offset(sequence + 1);
    count_ = end_ - begin_;
    if (p.kind == WL_POOL_FIRST && count_ > 0) end_ = begin_ + 1;
    if (p.kind == WL_POOL_LAST && count_ > 0) begin_ = end_ - 1;
  }

  // Whether the calling thread holds results, and of which columns.
  WL_DEVICE bool writes() const { return group_ == 0; }
  WL_DEVICE int64_t at(uint32_t tile) const { return (int64_t{tile} * p_.lanes + lane_) * V; }

  // The results of a tile's columns; all threads take part.
  WL_DEVICE void pool(const Row<V>& row, uint32_t tile, float (&y)[V]) {
    constexpr int kUnroll = kPoolTuning.unroll;
    const int64_t column = at(tile);
    LongSum state[V];
    WL_UNROLL
    for (int j = 0; j < V; ++j) state[j] = {p_.kind == WL_POOL_MAX ? -infinity() : 0.0f, 0.0f};
    for (int64_t t = begin_ + group_; t < end_; t += int64_t{groups_} * kUnroll) {
      const auto token = [&](int u) { return t + int64_t{groups_} * u; };
      float h[kUnroll][V];
      row.load(
          p_.x,
          [&](int u) {
            return typename Row<V>::Place{token(u) * p_.x_stride, token(u) < end_ ? column : p_.columns};
          },
          0.0f, h);
      WL_UNROLL
      for (int u = 0; u < kUnroll; ++u) {
        if (token(u) >= end_) break;
        WL_UNROLL
        for (int j = 0; j < V; ++j) take(p_.kind, &state[j], {h[u][j], 0.0f});
      }
    }
    gather(state);
    const auto n = static_cast<float>(count_);
    WL_UNROLL
    for (int j = 0; j < V; ++j) {
      y[j] = p_.kind == WL_POOL_MEAN ? ptx::div_rn_f32(state[j].value(), n) : state[j].high;
      if (count_ <= 0) y[j] = 0;
    }
  }

 private:
  // Group 0 takes the other groups' results, in order; once, since only a single group has several tiles.
  WL_DEVICE void gather(LongSum (&state)[V]) {
    if (groups_ == 1) return;
    const auto place = [&](uint32_t group, int j) {
      return shared_ + (j * kPoolThreads + group * p_.lanes + lane_) * static_cast<uint32_t>(sizeof(U2));
    };
    WL_UNROLL
    for (int j = 0; j < V; ++j) {
      ptx::st_shared_v2_b32(place(group_, j),
                            {ptx::mov_b32_f32(state[j].high), ptx::mov_b32_f32(state[j].low)});
    }
    ptx::bar_sync();
    // A group without a token has nothing to say.
    for (uint32_t g = 1; g < groups_ && group_ == 0 && begin_ + g < end_; ++g) {
      WL_UNROLL
      for (int j = 0; j < V; ++j) {
        const U2 w = ptx::ld_shared_v2_b32(place(g, j));
        take(p_.kind, &state[j], {ptx::mov_f32_b32(w.x), ptx::mov_f32_b32(w.y)});
      }
    }
  }

  const PoolParams& p_;
  SharedAddress shared_;
  uint32_t lane_, group_, groups_;
  int64_t begin_, end_, count_;
};

template <int V>
WL_KERNEL(kPoolThreads, 1)
pool_kernel(const WL_GRID_CONSTANT PoolParams p) {
  Team block(kPoolThreads, ptx::shared_base());
  PoolSequence<V> sequence(p, ptx::shared_base() + kReduceBytes);
  const Row<V> row(p.columns, p.aligned);
  float y[V];
  if (p.tiles == 1) sequence.pool(row, 0, y);
  float length = 1;
  if (p.normalize) {
    const auto squares = [&](float scale) {
      float sum = 0;
      for (uint32_t tile = 0; tile < p.tiles; ++tile) {
        if (p.tiles > 1) sequence.pool(row, tile, y);
        if (!sequence.writes()) continue;
        WL_UNROLL
        for (int j = 0; j < V; ++j) {
          const float scaled = y[j] * scale;
          sum = ptx::fma_rn_f32(scaled, scaled, sum);
        }
      }
      return block.reduce(sum, SumOf());
    };
    length = root_mean_square(squares, 1.0f, 0.0f);
    if (length < 1e-12f) length = 1e-12f;
  }
  for (uint32_t tile = 0; tile < p.tiles; ++tile) {
    if (p.tiles > 1) sequence.pool(row, tile, y);
    if (!sequence.writes()) continue;
    WL_UNROLL
    for (int j = 0; j < V; ++j) y[j] = p.normalize ? ptx::div_rn_f32(y[j], length) : y[j];
    row.store(p.y, ptx::ctaid_x() * p.y_stride, sequence.at(tile), y);
  }
}

const Kernel<PoolParams> kWidth8("elementwise.pool.sm80.16bit", &pool_kernel<8>, pool_shared_bytes(8));
const Kernel<PoolParams> kWidth4("elementwise.pool.sm80.32bit", &pool_kernel<4>, pool_shared_bytes(4));

}  // namespace

void pool(const wl_pool_params& p, const Launch& at) {
  const int64_t sequences = p.y.shape[0], columns = p.x.shape[1];
  if (sequences == 0 || columns == 0) return;
  require_rows(sequences, "y.shape[0]");
  require_row_items(1, columns, "x.shape[1]");
  const int width = access_width({&p.x, &p.y});
  PoolParams k{};
  k.x = elements_of(p.x);
  k.y = elements_of(p.y);
  k.offsets = indices_of(p.cu_seqlens);
  k.x_stride = p.x.strides[0];
  k.y_stride = p.y.strides[0];
  k.offset_stride = p.cu_seqlens.strides[0];
  k.total = p.x.shape[0];
  k.columns = columns;
  for (k.lanes = 1; k.lanes < kPoolThreads && int64_t{k.lanes} * width < columns;) k.lanes *= 2;
  k.tiles = static_cast<uint32_t>(ceil_div(columns, int64_t{k.lanes} * width));
  k.kind = p.kind;
  k.aligned = rows_aligned({&p.x, &p.y}, width);
  k.normalize = (p.flags & WL_POOL_NORMALIZE) != 0;
  launch(width == 8 ? kWidth8 : kWidth4,
         {.grid = {static_cast<uint32_t>(sequences)},
          .threads = kPoolThreads,
          .shared_bytes = pool_shared_bytes(width)},
         at, k);
}

}  // namespace wl::cuda
