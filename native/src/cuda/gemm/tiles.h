// y = epilogue(x W^T) by blocks of y. A block of threads computes kM x kN sums over a range of k:
//
//               k ->                        n ->               warps, each kWarpM x kWarpN
//      kM | x  x  x  x |   kN | W  W  W  W |      y  | w0 | w1 |
//           ^ kStages steps of k in shared memory    | w2 | w3 |
//
//   copies   all threads, cp.async, kStages - 1 steps ahead   |s3 |s4 |s5 |
//   ldmatrix each warp, one part of a step ahead         |0a 0b|1a 1b|2a ...
//   mma.sync                                               |0a 0b|1a 1b|2a ...
//
// The fragments of a step's first part are read before the last part of the step before it is multiplied: the only barrier
// of a step stands there, and the multiplications of the part before it run meanwhile. A gated pair has rows of both weights
// in the W tile. At the end the sums go through shared memory to threads that own four neighbouring columns of a row.
//
// Every sum runs over k in order, by the same instructions whatever the tile: neither the tile nor m changes a bit. Split-K
// cuts k at multiples of the steps and leaves partial sums to the merge kernel.
// Bound by the tensor cores for many rows (the big tile), by the weights' way from memory for few (tuning.h).
#pragma once

#include "cuda/gemm/epilogue.h"
#include "cuda/gemm/multiply.h"
#include "cuda/gemm/operand.h"
#include "cuda/gemm/tuning.h"
#include "cuda/ptx/special.h"
#include "cuda/tile/fragment.h"
#include "cuda/tile/pipeline.h"

namespace wl::cuda::product {

// The block's place in y: groups of eight tile rows, so that blocks that run together share what the second level cache
// holds.
struct BlockPlace {
  int row, column;  // of y
  static WL_DEVICE BlockPlace of(const GemmParams& p, int tile_rows, int tile_columns) {
    constexpr uint32_t kGroup = 8;
    const uint32_t rows = static_cast<uint32_t>((p.m - 1) / tile_rows + 1);
    const uint32_t columns = static_cast<uint32_t>((p.n - 1) / tile_columns + 1);
    const uint32_t first = ptx::ctaid_x() / (kGroup * columns) * kGroup,
                   within = ptx::ctaid_x() % (kGroup * columns);
    const uint32_t group = rows - first < kGroup ? rows - first : kGroup;
    return {static_cast<int>(first + within % group) * tile_rows,
            static_cast<int>(within / group) * tile_columns};
  }
};

// The sums of a block in shared memory: rows of kN floats, 16-byte chunks placed so that fragments are written and rows
// read without conflicts.
template <int kN>
struct SumTile {
  SharedAddress base;
  WL_DEVICE SharedAddress chunk(uint32_t row, uint32_t c) const {
    return base + row * (kN * 4) + (c ^ (row & 3) * 2) * 16;
  }
  WL_DEVICE void write(const tile::FragmentC& c, uint32_t row, uint32_t column, Site s = Site::here()) const {
    const uint32_t r = row + tile::FragmentC::row(0), n = column + tile::FragmentC::column(0);
    const SharedAddress inside = n % 4 * 4;
    ptx::st_shared_v2_b32(chunk(r, n / 4) + inside, U2{ptx::mov_b32_f32(c.x[0]), ptx::mov_b32_f32(c.x[1])},
                          s);
    ptx::st_shared_v2_b32(chunk(r + 8, n / 4) + inside,
                          U2{ptx::mov_b32_f32(c.x[2]), ptx::mov_b32_f32(c.x[3])}, s);
  }
  WL_DEVICE void read(uint32_t row, uint32_t column, float (&v)[4], Site s = Site::here()) const {
    const U4 bits = ptx::ld_shared_v4_b32(chunk(row, column / 4), s);
    v[0] = ptx::mov_f32_b32(bits.x), v[1] = ptx::mov_f32_b32(bits.y);
    v[2] = ptx::mov_f32_b32(bits.z), v[3] = ptx::mov_f32_b32(bits.w);
  }
};

template <class Element, int kRow>
constexpr TileShape kTileShape =
    tuning_rows(sizeof(typename Element::Bits) == 2 ? Multiply::kSixteenBit : Multiply::kFloat32)[kRow].shape;

template <class Element, int kRow, bool kAsync>
class TilesBlock {
  static constexpr bool kTwoBytes = sizeof(typename Element::Bits) == 2;
  static constexpr bool kHasPrecise = !kTwoBytes || kRow >= kFirstPreciseShape;
  static constexpr TileShape kShape = kTileShape<Element, kRow>;
  static constexpr int kThreads = kShape.threads();
  static constexpr int kWarpM = kShape.m / kShape.warps_m, kWarpN = kShape.n / kShape.warps_n;
  static constexpr int kFragmentsM = kWarpM / 16, kFragmentsN = kWarpN / 16;
  static constexpr int kParts = kShape.row_bytes / 32;  // of a step: one mma deep
  static_assert(kParts % 2 == 0 && kWarpM % 16 == 0 && kWarpN % 16 == 0);
  using TileX = tile::SharedTile<kShape.m, kShape.row_bytes>;
  using TileW = tile::SharedTile<kShape.n, kShape.row_bytes>;
  using CopyX = OperandCopy<Element, TileX, kThreads, kAsync>;
  using CopyW = OperandCopy<Element, TileW, kThreads, kAsync>;
  using Pipeline = tile::CopyPipeline<kShape.stages>;
  static constexpr uint32_t kStageBytes = TileX::kBytes + TileW::kBytes;
  static_assert(kShape.shared_bytes() == kShape.stages * kStageBytes);

 public:
  WL_DEVICE TilesBlock(const GemmParams& p, SharedAddress shared)
      : p_(p),
        shared_(shared),
        warp_(ptx::tid_x() / 32),
        columns_(p.gated ? kShape.n / 2 : kShape.n),
        place_(BlockPlace::of(p, kShape.m, columns_)),
        x_(tile::row_cursor(TileX{shared}, warp_ / kShape.warps_n * kWarpM)),
        w_(tile::column_cursor(TileW{shared + TileX::kBytes}, warp_ % kShape.warps_n * kWarpN)) {}

  WL_DEVICE void run() {
    const int k_begin = static_cast<int>(ptx::ctaid_y()) * p_.split_k;
    const int depth = p_.k - k_begin < p_.split_k ? p_.k - k_begin : p_.split_k;
    // By types and k alone, so that the batch leaves no trace.
    const bool precise = kTwoBytes ? p_.y.dtype == WL_DTYPE_FLOAT32 : p_.k <= kShortSum;
    if (kHasPrecise && precise) {
      multiply_all<true>(k_begin, depth);
    } else {
      multiply_all<false>(k_begin, depth);
    }
    // The stages are free once all copies have come and all warps have read. Where copies go element by element nothing is
    // under way: there waits and commits of cp.async cost an instruction and do nothing.
    ptx::cp_async_wait_group<0>();
    ptx::bar_sync();
    const SumTile<kShape.n> sums{shared_};
    WL_UNROLL
    for (int i = 0; i < kFragmentsM; ++i) {
      WL_UNROLL
      for (int j = 0; j < 2 * kFragmentsN; ++j) {
        sums.write(c_[i][j], warp_ / kShape.warps_n * kWarpM + static_cast<uint32_t>(i * 16),
                   warp_ % kShape.warps_n * kWarpN + static_cast<uint32_t>(j * 8));
      }
    }
    ptx::bar_sync();
    store(sums);
  }

 private:
  // Whether another step follows.
  template <bool kMore>
  struct Step {};

  template <bool kPrecise>
  WL_DEVICE void multiply_all(int k_begin, int depth) {
    const int steps = (depth + CopyX::kDepth - 1) / CopyX::kDepth;
    if (steps == 0) return;
    CopyX copy_x(p_.x, nullptr, place_.row, p_.m, k_begin, depth, ptx::tid_x());
    CopyW copy_w(p_.weight, p_.gated ? &p_.up : nullptr, place_.column, p_.n, k_begin, depth, ptx::tid_x());
    Pipeline pipeline;
    // Past the end of k the stages are filled with zeros: cheaper than to ask.
    const auto copy_step = [&] {
      const SharedAddress stage = shared_ + static_cast<uint32_t>(pipeline.acquire()) * kStageBytes;
      copy_x.copy(TileX{stage});
      copy_w.copy(TileW{stage + TileX::kBytes});
      pipeline.commit();
    };
    WL_NO_UNROLL
    for (int step = 0; step < Pipeline::kAhead; ++step) copy_step();

    tile::FragmentA a[2][kFragmentsM];
    tile::FragmentB2 b[2][kFragmentsN];
    if constexpr (kPrecise) {  // rare: small code
      for (int step = 0; step < steps; ++step) {
        const int stage = pipeline.wait();
        copy_step();
        WL_NO_UNROLL
        for (int part = 0; part < kParts; ++part) {
          load(a[0], b[0], stage, part);
          multiply<Element, true>(c_, a[0], b[0]);
        }
        pipeline.release();
      }
      return;
    }
    int stage = pipeline.wait();
    load(a[0], b[0], stage, 0);
    const auto multiply_step = [&]<bool kMore>(Step<kMore>) {
      if (kMore) copy_step();
      WL_UNROLL
      for (int part = 0; part < kParts; ++part) {
        const int next = (part + 1) & 1;
        if (part + 1 < kParts) {
          load(a[next], b[next], stage, part + 1);
        } else if constexpr (kMore) {
          pipeline.release();
          stage = pipeline.wait();
          load(a[next], b[next], stage, 0);
        }
        multiply<Element, false>(c_, a[part & 1], b[part & 1]);
      }
    };
    WL_NO_UNROLL
    for (int step = 0; step + 1 < steps; ++step) multiply_step(Step<true>());
    multiply_step(Step<false>());
  }

  WL_DEVICE void load(tile::FragmentA (&a)[kFragmentsM], tile::FragmentB2 (&b)[kFragmentsN], int stage,
                      int part, Site s = Site::here()) const {
    const uint32_t offset = static_cast<uint32_t>(stage) * kStageBytes;
    const tile::Cursor<TileX> x{x_.place + offset};
    const tile::Cursor<TileW> w{w_.place + offset};
    WL_UNROLL
    for (int i = 0; i < kFragmentsM; ++i) a[i] = tile::load_a(x, i * 16, part * 16, s);
    WL_UNROLL
    for (int j = 0; j < kFragmentsN; ++j) b[j] = tile::load_b(w, j * 16, part * 16, s);
  }

  // All threads, four columns each: a warp reads and writes whole rows.
  WL_DEVICE void store(const SumTile<kShape.n>& sums) const {
    const bool gated = p_.gated;
    const uint32_t fours = static_cast<uint32_t>(columns_) / 4;
    const uint32_t column = ptx::tid_x() % fours * 4;
    const int first = place_.column + static_cast<int>(column);
    if (first >= p_.n) return;
    const bool partial = p_.partials != nullptr;
    const Columns columns = partial ? Columns{} : columns_at(p_, first);
    const int rows = p_.m - place_.row < kShape.m ? p_.m - place_.row : kShape.m;
    WL_NO_UNROLL
    for (int row = static_cast<int>(ptx::tid_x() / fours); row < rows;
         row += kThreads / static_cast<int>(fours)) {
      float v[4], u[4] = {};
      sums.read(static_cast<uint32_t>(row), column, v);
      if (gated) sums.read(static_cast<uint32_t>(row), column + kShape.n / 2, u);
      if (partial) {
        store_partial(0, row, first, v);
        if (gated) store_partial(1, row, first, u);
      } else {
        finish(p_, place_.row + row, columns, v, u);
      }
    }
  }
  WL_DEVICE void store_partial(int half, int row, int first, const float (&v)[4],
                               Site s = Site::here()) const {
    const int64_t plane = static_cast<int64_t>(ptx::ctaid_y()) * (p_.gated ? 2 : 1) + half;
    cuda::store(Elements{p_.partials, WL_DTYPE_FLOAT32},
                (plane * p_.m + place_.row + row) * p_.partial_stride + first, v, s);
  }

  const GemmParams& p_;
  const SharedAddress shared_;
  const uint32_t warp_;
  const int columns_;  // of y in a block
  const BlockPlace place_;
  const tile::Cursor<TileX> x_;
  const tile::Cursor<TileW> w_;
  tile::FragmentC c_[kFragmentsM][2 * kFragmentsN] = {};
};

// The shape is given by its row of the table: nvcc 12.4 cannot name a kernel with an object among its template arguments.
template <class Element, int kRow, bool kAsync>
WL_KERNEL((kTileShape<Element, kRow>.threads()), (kTileShape<Element, kRow>.blocks))
tiles(const WL_GRID_CONSTANT GemmParams p) {
  TilesBlock<Element, kRow, kAsync>(p, ptx::shared_base()).run();
}

}  // namespace wl::cuda::product
