#include "cpu/attention/tile.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <new>

#include "core/tensor.h"
#include "cpu/scratch.h"

namespace wl::cpu {
namespace {

constexpr int64_t kMaxima = round_up(kTileRows, 16);  // whole vectors
constexpr int64_t kScoreStride = kBlockKeys + 16;     // not a power of two, for the cache's sets
constexpr float kNothing = -std::numeric_limits<float>::infinity();

}  // namespace

// What a tile knows of each of its rows.
struct Tile::Rows {
  float max[kMaxima], sum[kMaxima];              // so far
  float block_max[kMaxima], block_sum[kMaxima];  // of scratch_partial()
  float slope[kTileRows];
  int32_t first[kTileRows], last[kTileRows];  // columns of the current block
  KeyRange keys[kTileRows];
  int64_t position[kTileRows], distance[kTileRows];
};

uint64_t ScratchLayout::part(int64_t count, int64_t size) {
  const uint64_t offset = bytes_;
  int64_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > std::numeric_limits<int64_t>::max() - 256 ||
      __builtin_add_overflow(bytes_, scratch_part(static_cast<uint64_t>(bytes)), &bytes_)) {
    throw std::bad_alloc();
  }
  return offset;
}

TileEngine::TileEngine(const Problem& p)
    : problem_(p),
      product_(product_kernels(p.isa)),
      pack_(pack_kernels(p.isa)),
      softmax_(softmax_kernels(p.isa)) {
  // Wider heads than this have no place in any memory, and are refused before sizes are multiplied.
  constexpr int64_t kWidest = int64_t{1} << 40;
  if (p.d_qk > kWidest || p.d_v > kWidest) throw std::bad_alloc();
  query_stride_ = round_up(p.d_qk, 16) + 16;
  output_stride_ = round_up(p.d_v, 16) + 16;
  ScratchLayout packed;
  packed.part(p.key_block(), p.element_bytes());
  keys_bytes_ = packed.bytes();
  packed.part(p.value_block(), p.element_bytes());
  values_bytes_ = packed.bytes() - keys_bytes_;
  queries_ = layout_.part(kTileRows * query_stride_, p.element_bytes());
  scores_ = layout_.part(kTileRows * kScoreStride, sizeof(float));
  probabilities_ = layout_.part(p.pairs ? kTileRows * kScoreStride : 0, sizeof(uint16_t));
  block_ = layout_.part(kTileRows * output_stride_, sizeof(float));
  output_ = layout_.part(kTileRows * output_stride_, sizeof(float));
  rows_ = layout_.part(1, sizeof(Tile::Rows));
  temp_ = layout_.part(16 * (p.d_qk + 16), sizeof(float));
}

void TileEngine::pack(const Sequence& s, int64_t batch, int64_t head, int64_t block, KeyRange columns,
                      std::byte* slot, std::byte* keys, std::byte* values) const {
  const Problem& p = problem_;
  const int64_t first = block * kBlockKeys + columns.begin;
  const int64_t count = std::min(columns.end - columns.begin, s.k_length - first);
  const SourceRows k{p.k.at(batch, s.k_begin + first, head), p.k.dtype, p.k.row_stride, count, p.d_qk};
  const SourceRows v{p.v.at(batch, s.k_begin + first, head), p.v.dtype, p.v.row_stride, count, p.d_v};
  std::byte* k_at = keys + columns.begin / 16 * p.key_panel() * p.element_bytes();
  std::byte* v_at = values + columns.begin * 16 * p.element_bytes();
  auto* temp = reinterpret_cast<float*>(slot + temp_);
  (p.pairs ? pack_.keys_pairs : pack_.keys_float)(k, temp, k_at);
  (p.pairs ? pack_.values_pairs : pack_.values_float)(v, p.value_panel(), v_at);
}

void TileEngine::fetch(const Sequence& s, int64_t batch, KeyRange heads, int64_t block) const {
  const Problem& p = problem_;
  const int64_t first = block * kBlockKeys, count = std::min(kBlockKeys, s.k_length - first);
  const auto read = [&](const View& view, int64_t width) {
    const int64_t row = width * element_size(view.dtype);
    const int64_t span = (heads.end - heads.begin - 1) * view.head_stride + row;
    if (view.head_stride < row || span > view.row_stride) return;  // The heads are no neighbours.
    for (int64_t i = 0; i < count; ++i) {
      const std::byte* at = view.at(batch, s.k_begin + first + i, heads.begin);
      for (int64_t line = 0; line < span; line += 64) asm volatile("" ::"r"(at[line]));
    }
  };
  read(p.k, p.d_qk);
  read(p.v, p.d_v);
}

uint64_t TileEngine::partial_bytes(int64_t rows) const {
  ScratchLayout layout;
  layout.part(2 * kMaxima + rows * output_stride_, sizeof(float));
  return layout.bytes();
}

Partial TileEngine::partial_at(std::byte* memory) const {
  auto* floats = reinterpret_cast<float*>(memory);
  return {floats + 2 * kMaxima, floats, floats + kMaxima};
}

Tile::Tile(const TileEngine& engine, std::byte* slot, const Sequence& s, int64_t batch, int64_t head,
           int64_t row_begin, int64_t row_end)
    : engine_(engine),
      problem_(engine.problem_),
      sequence_(s),
      slot_(slot),
      rows_(new (slot + engine.rows_) Rows),
      batch_(batch),
      head_(head),
      row_begin_(row_begin),
      count_(row_end - row_begin) {
  for (int64_t r = 0; r < count_; ++r) {
    const int64_t query = (row_begin + r) / problem_.group;
    rows_->keys[r] = problem_.visible(s, query);
    rows_->position[r] = s.k_length - s.q_length + query;
    if (problem_.has_alibi()) {
      const int64_t q_head = head * problem_.group + (row_begin + r) % problem_.group;
      rows_->slope[r] = problem_.slope(batch, q_head);
    }
  }
  keys_ = {rows_->keys[0].begin, rows_->keys[count_ - 1].end};
}

void Tile::load_queries() {
  const Problem& p = problem_;
  std::byte* to = slot_ + engine_.queries_;
  for (int64_t r = 0; r < count_; ++r) {
    const int64_t row = row_begin_ + r;
    const std::byte* from =
        p.q.at(batch_, sequence_.q_begin + row / p.group, head_ * p.group + row % p.group);
    std::byte* at = to + r * engine_.query_stride_ * p.element_bytes();
    if (p.pairs) {
      std::memcpy(at, from, static_cast<size_t>(2 * p.d_qk));
      std::memset(at + 2 * p.d_qk, 0, 2);  // an odd head dimension's missing partner
    } else {
      engine_.softmax_.read(from, p.q.dtype, p.d_qk, reinterpret_cast<float*>(at));
    }
  }
}

KeyRange Tile::blocks() const {
  if (keys_.empty()) return {0, 0};
  return {keys_.begin / kBlockKeys, (keys_.end - 1) / kBlockKeys + 1};
}

KeyRange Tile::columns(int64_t block) const {
  const int64_t start = block * kBlockKeys;
  const int64_t begin = std::max<int64_t>(0, keys_.begin - start) / 16 * 16;
  return {begin, round_up(std::min(keys_.end - start, kBlockKeys), 16)};
}

void Tile::score(int64_t block, const std::byte* keys, const std::byte* values, const Partial& result) {
  const Problem& p = problem_;
  const KeyRange columns = this->columns(block);
  const int64_t n = columns.end - columns.begin, first = block * kBlockKeys + columns.begin;
  auto* scores = reinterpret_cast<float*>(slot_ + engine_.scores_);
  auto* probabilities = reinterpret_cast<uint16_t*>(slot_ + engine_.probabilities_);
  const std::byte* queries = slot_ + engine_.queries_;
  keys += columns.begin / 16 * p.key_panel() * p.element_bytes();
  values += columns.begin * 16 * p.element_bytes();

  if (p.pairs) {
    engine_.product_.bfloat16(reinterpret_cast<const uint16_t*>(queries), engine_.query_stride_,
                              reinterpret_cast<const uint16_t*>(keys), p.key_panel(), scores, kScoreStride,
                              count_, n, p.d_qk, false);
  } else {
    engine_.product_.float32(reinterpret_cast<const float*>(queries), engine_.query_stride_,
                             reinterpret_cast<const float*>(keys), p.key_panel(), scores, kScoreStride,
                             count_, n, p.d_qk, false);
  }

  for (int64_t r = 0; r < count_; ++r) {
    rows_->first[r] = static_cast<int32_t>(std::clamp<int64_t>(rows_->keys[r].begin - first, 0, n));
    rows_->last[r] = static_cast<int32_t>(std::clamp<int64_t>(rows_->keys[r].end - first, 0, n));
    rows_->distance[r] = rows_->position[r] - first;
  }
  ScoreTile tile{};
  tile.scores = scores;
  tile.stride = tile.bfloat16_stride = kScoreStride;
  tile.bfloat16 = p.pairs ? probabilities : nullptr;
  tile.rows = count_;
  tile.columns = n;
  tile.scale = p.scale;
  tile.softcap = p.softcap;
  tile.begin = rows_->first;
  tile.end = rows_->last;
  tile.slope = p.has_alibi() ? rows_->slope : nullptr;
  tile.distance = rows_->distance;
  tile.max = result.max;
  tile.sum = result.sum;
  engine_.softmax_.scores(tile);

  const int64_t d_v = round_up(p.d_v, 16);  // whole panels: the columns past the last are zeros
  if (p.pairs) {
    engine_.product_.bfloat16(probabilities, kScoreStride, reinterpret_cast<const uint16_t*>(values),
                              p.value_panel(), result.output, engine_.output_stride_, count_, d_v, n, false);
  } else {
    engine_.product_.float32(scores, kScoreStride, reinterpret_cast<const float*>(values), p.value_panel(),
                             result.output, engine_.output_stride_, count_, d_v, n, false);
  }
}

Partial Tile::scratch_partial() const {
  return {reinterpret_cast<float*>(slot_ + engine_.block_), rows_->block_max, rows_->block_sum};
}

void Tile::clear() {
  std::fill(rows_->max, rows_->max + kMaxima, kNothing);
  std::fill(rows_->sum, rows_->sum + kMaxima, 0.0f);
  std::memset(slot_ + engine_.output_, 0,
              static_cast<size_t>(count_ * engine_.output_stride_) * sizeof(float));
}

void Tile::merge(const Partial& partial) {
  engine_.softmax_.merge(count_, round_up(problem_.d_v, 16),
                         reinterpret_cast<float*>(slot_ + engine_.output_), engine_.output_stride_,
                         rows_->max, rows_->sum, partial.output, engine_.output_stride_, partial.max,
                         partial.sum);
}

void Tile::finish() {
  const Problem& p = problem_;
  for (int64_t r = 0; r < count_; ++r) {
    const int64_t row = row_begin_ + r, query = sequence_.q_begin + row / p.group;
    const int64_t q_head = head_ * p.group + row % p.group;
    // No key, or none with a score above -infinity.
    const bool nothing = rows_->max[r] == kNothing && rows_->sum[r] == 0;
    const float sink = p.has_sinks() ? p.sink(q_head) : kNothing;
    float factor = 0, lse = sink;
    if (!nothing) {
      const float max = std::max(rows_->max[r], sink);
      const float shrink = std::exp(rows_->max[r] - max);
      const float sum = rows_->sum[r] * shrink + std::exp(sink - max);
      factor = shrink / sum;
      lse = max + std::log(sum);
    }
    float* sums = reinterpret_cast<float*>(slot_ + engine_.output_) + r * engine_.output_stride_;
    engine_.softmax_.write(sums, factor, p.d_v, p.o.dtype, p.o.at(batch_, query, q_head));
    if (p.lse.dtype != WL_DTYPE_NONE) {
      std::memcpy(p.lse.at(batch_, query, q_head), &lse, sizeof lse);
    }
  }
}

}  // namespace wl::cpu
