// Attention forward: o = softmax(q k^T) v for one tile of queries of one head a block, on mma.sync.
//
//                 keys ->  [ tile 0 | tile 1 | ... | tile n ]     tiles at multiples of kKeys from the sequence's first key,
//   queries  q    [ rows ]     S = q k^T, softmax, o += P v       visited from the last one down
//     |           [ of a ]
//     v           [ warp ]     each warp owns its rows: S, P and o stay in its registers
//
//   ring of stages   K(n)   V(n)   K(n-1)  V(n-1) ...      all threads copy (cp.async), `stages - 1` tiles ahead:
//   loop             wait K(n) | copy | S = q K(n)^T | wait V(n) | copy | mask, softmax | o += P V(n)
//
// A row's bits depend on its query, its keys and their positions only: tiles begin at fixed keys, and a tile of which a
// row attends nothing leaves it as it is. What bounds each shape: tuning.h.
#pragma once

#include "cuda/attention/output.h"
#include "cuda/attention/params.h"
#include "cuda/attention/score.h"
#include "cuda/attention/tuning.h"
#include "cuda/attention/work.h"
#include "cuda/tile/copy.h"
#include "cuda/tile/pipeline.h"
#include "cuda/tile/products.h"
#include "cuda/tile/products_float32.h"
#include "cuda/tile/softmax.h"

namespace wl::cuda {

template <class Score>
struct AttentionCall {
  AttentionParams params;
  Score score;
};

template <class ElementType, int kBucket, class Score>
class AttentionForward {
  using Element = ElementType;
  using Bits = typename Element::Bits;
  static constexpr AttentionTuning kTuning = attention_tuning<Element, Score>(kBucket);
  static constexpr int kBytes = sizeof(Bits), kKeys = kTuning.keys, kThreads = kTuning.threads();
  static constexpr int kM = kTuning.warp_rows / 16, kN = kKeys / 16, kD = kTuning.d_v / 16;
  static constexpr int kStageBytes = kTuning.stage_bytes(kBytes), kQueryBytes = kTuning.query_bytes(kBytes);
  using QTile = tile::SharedTile<kTuning.rows(), kTuning.d_qk * kBytes>;
  using KTile = tile::SharedTile<kKeys, kTuning.d_qk * kBytes>;
  using VTile = tile::SharedTile<kKeys, kTuning.d_v * kBytes>;
  using OTile = tile::SharedTile<kTuning.rows(), kTuning.d_v * kBytes>;
  using Products = tile::Products<Element>;
  static_assert(kAttentionWorkBytes == AttentionWork::kBytes + AttentionKeys::kBytes);

 public:
  static constexpr int kRows = kTuning.rows();  // queries of a block

  explicit WL_DEVICE AttentionForward(const AttentionCall<Score>& call)
      : p_(call.params), call_(call), base_(ptx::shared_base()), softmax_(p_.multiplier) {
    WL_UNROLL
    for (int m = 0; m < kM; ++m) {
      WL_UNROLL
      for (int d = 0; d < kD; ++d) o_[m][d][0] = o_[m][d][1] = tile::FragmentC{};
    }
  }

  WL_DEVICE void run(const AttentionWork& w) {
    if (ptx::tid_x() == 0) {
      w.keep(work_address());
      w.keys(p_, kBytes).keep(keys_address());
    }
    const tile::KeyBounds bounds = w.bounds(p_);
    const int last = min(kRows, w.q_rows - w.first_query) - 1;
    const int end = bounds.end(last);
    bottom_ = bounds.begin(0) / kKeys;
    int n = end > 0 ? (end - 1) / kKeys : -1;
    // Tiles that all rows attend as a whole.
    const int full_begin = (bounds.begin(last) + kKeys - 1) / kKeys, full_end = max(bounds.end(0), 0) / kKeys;
    if (n >= bottom_) start(w, n);
    // A third loop saves moves of registers at the loop's end; where registers are short it would spill.
    constexpr bool kThirdLoop = kBytes == 2 && kM == 1 && kD <= 12;
    do {
      for (; n >= bottom_ && (n >= full_end || n < full_begin); --n) step<true>(n);
      for (; n >= bottom_ && n >= full_begin; --n) step<false>(n);
    } while (!kThirdLoop && n >= bottom_);
    if constexpr (kThirdLoop) {
      for (; n >= bottom_; --n) step<true>(n);
    }
    finish();
  }

 private:
  static WL_DEVICE int min(int a, int b) { return a < b ? a : b; }
  static WL_DEVICE int max(int a, int b) { return a > b ? a : b; }

  WL_DEVICE int warp_row() const { return static_cast<int>(ptx::tid_x() / 32) * kTuning.warp_rows; }
  WL_DEVICE SharedAddress work_address() const {
    return base_ + static_cast<uint32_t>(kQueryBytes + kTuning.stages * kStageBytes);
  }
  WL_DEVICE SharedAddress keys_address() const { return work_address() + AttentionWork::kBytes; }
  WL_DEVICE AttentionWork recall() const { return AttentionWork::recall(work_address()); }
  WL_DEVICE SharedAddress stage(int i) const {
    return base_ + static_cast<uint32_t>(kQueryBytes + i * kStageBytes);
  }

  // Rows [first, first + rows of the tile) of a matrix.
  template <bool kWhole, class Tile>
  WL_DEVICE void copy(const tile::Matrix<Bits>& matrix, Tile tile, int first, bool chunked) const {
    const tile::TileCopy<Tile, Bits, kThreads> source(matrix, ptx::tid_x());
    if (Score::kPlain || chunked) {
      source.template copy_async<kWhole>(tile, first);
    } else {
      source.copy_elements(tile, first);
    }
  }
  static WL_DEVICE Global<const Bits> at(uint64_t address) {
    return {reinterpret_cast<const Bits*>(address)};
  }
  // Copies the tile that is used kAhead tiles after tile n of keys (kValues: of values) into the next stage.
  template <bool kValues, int kAhead>
  static constexpr bool kCopiesValues = (kAhead + kValues) % 2 == 1;
  template <bool kValues, int kAhead>
  WL_DEVICE void copy_ahead(const AttentionKeys& keys, int n) {
    constexpr int kTiles = (kAhead + kValues) / 2;
    if (n - kTiles >= bottom_) {
      const int first = (n - kTiles) * kKeys;
      if constexpr (kCopiesValues<kValues, kAhead>) {
        const tile::Matrix<Bits> v{at(keys.v), p_.v.row_stride, keys.rows, p_.d_v};
        copy<kTiles != 0>(v, VTile{stage(ring_.acquire())}, first, p_.chunked_v);
      } else {
        const tile::Matrix<Bits> k{at(keys.k), p_.k.row_stride, keys.rows, p_.d_qk};
        copy<kTiles != 0>(k, KTile{stage(ring_.acquire())}, first, p_.chunked_k);
      }
    }
    ring_.commit();
  }
  template <bool kValues>
  WL_DEVICE void copy_next(int n) {
    constexpr int kAhead = kTuning.stages - 1;
    copy_ahead<kValues, kAhead>(AttentionKeys::recall<kCopiesValues<kValues, kAhead>>(keys_address()), n);
  }

  WL_DEVICE void start(const AttentionWork& w, int n) {
    const tile::Matrix<Bits> q{attention_row<const Bits>(p_.q, w, w.head, w.q_begin), p_.q.row_stride,
                               w.q_rows, p_.d_qk};
    copy<false>(q, QTile{base_}, w.first_query, p_.chunked_q);
    const AttentionKeys keys = w.keys(p_, kBytes);
    copy_ahead<false, 0>(keys, n);
    if constexpr (kTuning.stages > 2) copy_ahead<false, 1>(keys, n);
    if constexpr (kTuning.stages > 3) copy_ahead<false, 2>(keys, n);
  }

  template <bool kMasked>
  WL_DEVICE void step(int n) {
    tile::FragmentC scores[kM][kN][2];
    const KTile keys{stage(ring_.wait())};
    copy_next<false>(n);
    Products::template score<kTuning.d_qk>(scores, QTile{base_}, static_cast<uint32_t>(warp_row()), keys);
    ring_.release();
    const VTile values{stage(ring_.wait())};
    copy_next<true>(n);
    if constexpr (!Score::kPlain) modify(scores, n * kKeys);
    if constexpr (kMasked) tile::apply_mask(scores, recall_bounds(), warp_row(), n * kKeys);
    softmax_.step(scores, o_);
    Products::accumulate(o_, scores, values);
    ring_.release();
  }

  WL_DEVICE tile::KeyBounds recall_bounds() const { return AttentionKeys::recall_bounds(keys_address(), p_); }
  WL_DEVICE void modify(tile::FragmentC (&scores)[kM][kN][2], int first_key) const {
    const AttentionWork w = recall();
    const tile::KeyBounds bounds = recall_bounds();
    const int first_query = warp_row();
    const auto score = call_.score.for_head(w.sequence, w.head);
    WL_UNROLL
    for (int m = 0; m < kM; ++m) {
      WL_UNROLL
      for (int i = 0; i < 8 * kN; ++i) {
        float& x = scores[m][i / 8][i / 4 % 2].x[i % 4];
        const int query = first_query + m * 16 + static_cast<int>(tile::FragmentC::row(i % 4));
        const int key = first_key + i / 4 * 8 + static_cast<int>(tile::FragmentC::column(i % 4));
        if constexpr (kBytes == 4 && requires { score.precise(x, query, key); }) {
          x = score.precise(x, bounds.position(query), key);
        } else {
          x = score(x, bounds.position(query), key);
        }
      }
    }
  }

  WL_DEVICE void finish() {
    // The work is there even without a key, and all warps have read q, where o goes through now.
    ptx::bar_sync();
    const AttentionWork w = recall();
    finish_rows(o_, softmax_, p_, w, warp_row());
    if (p_.o_float32 || kBytes == 4) {
      store_float32(o_, p_, w, warp_row());
    } else if constexpr (kBytes == 2) {
      store_rounded<Element>(o_, OTile{base_}, p_, w, warp_row());
    }
  }

  const AttentionParams& p_;
  const AttentionCall<Score>& call_;
  SharedAddress base_;
  int bottom_ = 0;
  tile::CopyPipeline<kTuning.stages> ring_;
  tile::OnlineSoftmax<kM, kBytes == 4> softmax_;
  tile::FragmentC o_[kM][kD][2];
};

template <class Element, int kBucket, class Score>
WL_KERNEL((attention_tuning<Element, Score>(kBucket).threads()),
          (attention_tuning<Element, Score>(kBucket).blocks))
attention_forward(const WL_GRID_CONSTANT AttentionCall<Score> call) {
  using Forward = AttentionForward<Element, kBucket, Score>;
  const AttentionWork work = find_attention_work(call.params, Forward::kRows);
  if (work.empty == 0) Forward(call).run(work);
}

}  // namespace wl::cuda
