// A flash attention forward kernel as a load for the emulator and as a target for faults: head dimension 64, bfloat16,
// 64 query rows a block, 64 keys a step, four warps of 16 rows, K and V double-buffered by cp.async. Shared memory holds
// five swizzled tiles of 64 x 64: Q (and O at the end), K twice, V twice.
#pragma once

#include <cmath>
#include <random>

#include "grid.h"

namespace wl::test::load {

using namespace cuda;

enum class Fault {
  kNone,
  kMaskOffByOne,       // the own key is masked
  kStorePastEnd,       // one row too many
  kUninitialisedRead,  // a row of Q that was never copied
  kDivergentShuffle,   // half a warp shuffles by itself
  kMissedRescale,      // o keeps its old maximum
  kUnalignedRow        // a store 4 bytes beside the row
};

struct Params {
  Global<const uint16_t> q, k, v;
  Global<uint16_t> o;
  Global<float> lse;
  int rows;
  bool causal;
  float scale_log2;
  Fault fault;
};

constexpr int kTile = 64, kRowBytes = 128, kThreads = 128;
constexpr uint32_t kTileBytes = kTile * kRowBytes, kSharedBytes = 5 * kTileBytes;

// 16-byte chunk `chunk` of a row; chunks are permuted by the row so that eight rows lie in different banks.
WL_DEVICE SharedAddress at(SharedAddress tile, int row, int chunk) {
  return tile + static_cast<uint32_t>(row * kRowBytes + (chunk ^ (row & 7)) * 16);
}

WL_DEVICE void copy_tile(SharedAddress tile, Global<const uint16_t> source, int first_row, int rows, int tid,
                         Site s = Site::here()) {
  for (int i = 0; i < 4; ++i) {
    const int chunk = tid + i * kThreads, row = chunk / 8;
    const bool valid = first_row + row < rows;
    ptx::cp_async_cg_16(at(tile, row, chunk % 8),
                        source + ((valid ? first_row + row : 0) * 64 + chunk % 8 * 8), valid, s);
  }
}

inline void kernel(Params p) {
  const int tid = static_cast<int>(ptx::tid_x()), warp = tid / 32, lane = tid % 32, g = lane / 4,
            t = lane % 4;
  const int m0 = static_cast<int>(ptx::ctaid_x()) * kTile;
  const int64_t head = static_cast<int64_t>(ptx::ctaid_y()) * p.rows;
  const Global<const uint16_t> q = p.q + head * 64, k = p.k + head * 64, v = p.v + head * 64;
  const SharedAddress sq = ptx::shared_base(), sk = sq + kTileBytes, sv = sk + 2 * kTileBytes;
  int steps = (p.rows + kTile - 1) / kTile;
  if (p.causal) steps = std::min(steps, (m0 + 2 * kTile - 1) / kTile);

  copy_tile(sq, q, m0, p.fault == Fault::kUninitialisedRead ? m0 : p.rows, tid);
  copy_tile(sk, k, 0, p.rows, tid);
  ptx::cp_async_commit_group();
  copy_tile(sv, v, 0, p.rows, tid);
  ptx::cp_async_commit_group();

  uint32_t query[4][4];
  float o[8][4] = {}, top[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};
  const int low_row = lane & 15, high_chunk = lane >> 4;
  for (int j = 0; j < steps; ++j) {
    const SharedAddress tile = static_cast<SharedAddress>(j & 1) * kTileBytes, other = tile ^ kTileBytes;
    ptx::cp_async_wait_group<1>();
    ptx::bar_sync();
    if (j + 1 < steps) copy_tile(sk + other, k, (j + 1) * kTile, p.rows, tid);
    ptx::cp_async_commit_group();
    if (j == 0) {
      for (int kk = 0; kk < 4; ++kk)
        ptx::ldmatrix_x4(query[kk], at(sq, warp * 16 + low_row, kk * 2 + high_chunk));
    }
    float s[8][4] = {};
    for (int kk = 0; kk < 4; ++kk) {
      for (int n = 0; n < 4; ++n) {
        uint32_t b[4];
        ptx::ldmatrix_x4(b, at(sk + tile, n * 16 + (lane & 7) + (lane >> 4) * 8, kk * 2 + (lane >> 3 & 1)));
        ptx::mma_m16n8k16_f32_bf16(s[2 * n], query[kk], b[0], b[1]);
        ptx::mma_m16n8k16_f32_bf16(s[2 * n + 1], query[kk], b[2], b[3]);
      }
    }
    ptx::cp_async_wait_group<1>();
    ptx::bar_sync();
    if (j + 1 < steps) copy_tile(sv + other, v, (j + 1) * kTile, p.rows, tid);
    ptx::cp_async_commit_group();

    for (int h = 0; h < 2; ++h) {
      const int row = m0 + warp * 16 + g + h * 8;
      float most = top[h];
      for (int n = 0; n < 8; ++n) {
        for (int e = 0; e < 2; ++e) {
          const int key = j * kTile + n * 8 + t * 2 + e;
          const bool masked =
              key >= p.rows ||
              (p.causal && (key > row || (p.fault == Fault::kMaskOffByOne && key == row && key > 0)));
          float& x = s[n][h * 2 + e];
          x = masked ? -INFINITY : x * p.scale_log2;
          most = ptx::max_f32(most, x);
        }
      }
      if (p.fault != Fault::kDivergentShuffle || lane < 16)
        most = ptx::max_f32(most, ptx::shfl_sync_bfly_f32(most, 1));
      most = ptx::max_f32(most, ptx::shfl_sync_bfly_f32(most, 2));
      const float shift = most == -INFINITY ? 0 : most;
      const float rescale = p.fault == Fault::kMissedRescale ? 1 : ptx::ex2_approx_ftz_f32(top[h] - shift);
      top[h] = most;
      sum[h] *= rescale;
      for (int n = 0; n < 8; ++n) {
        o[n][h * 2] *= rescale;
        o[n][h * 2 + 1] *= rescale;
        for (int e = 0; e < 2; ++e) {
          float& x = s[n][h * 2 + e];
          x = ptx::ex2_approx_ftz_f32(x - shift);
          sum[h] += x;
        }
      }
    }
    for (int kk = 0; kk < 4; ++kk) {
      const uint32_t a[4] = {ptx::cvt_rn_bf16x2_f32(s[2 * kk][0], s[2 * kk][1]),
                             ptx::cvt_rn_bf16x2_f32(s[2 * kk][2], s[2 * kk][3]),
                             ptx::cvt_rn_bf16x2_f32(s[2 * kk + 1][0], s[2 * kk + 1][1]),
                             ptx::cvt_rn_bf16x2_f32(s[2 * kk + 1][2], s[2 * kk + 1][3])};
      for (int n = 0; n < 4; ++n) {
        uint32_t b[4];
        ptx::ldmatrix_x4_trans(b, at(sv + tile, kk * 16 + low_row, n * 2 + high_chunk));
        ptx::mma_m16n8k16_f32_bf16(o[2 * n], a, b[0], b[1]);
        ptx::mma_m16n8k16_f32_bf16(o[2 * n + 1], a, b[2], b[3]);
      }
    }
  }
  // O goes through the warp's own rows of the Q tile, then out by 16 bytes a lane.
  for (int h = 0; h < 2; ++h) {
    float total = sum[h];
    total += ptx::shfl_sync_bfly_f32(total, 1);
    total += ptx::shfl_sync_bfly_f32(total, 2);
    const float inverse = total > 0 ? ptx::rcp_approx_ftz_f32(total) : 0;
    const int row = warp * 16 + g + h * 8;
    for (int n = 0; n < 8; ++n) {
      ptx::st_shared_b32(at(sq, row, n) + static_cast<uint32_t>(t) * 4,
                         ptx::cvt_rn_bf16x2_f32(o[n][h * 2] * inverse, o[n][h * 2 + 1] * inverse));
    }
    if (t == 0 && m0 + row < p.rows) {
      const float lse = (top[h] + ptx::lg2_approx_ftz_f32(total)) * 0.69314718056f;
      ptx::st_global_b32(p.lse + (head + m0 + row), ptx::mov_b32_f32(lse));
    }
  }
  ptx::bar_warp_sync();
  for (int i = 0; i < 4; ++i) {
    const int chunk = lane + i * 32, row = warp * 16 + chunk / 8;
    if (m0 + row < p.rows + (p.fault == Fault::kStorePastEnd ? 1 : 0)) {
      const int aside = p.fault == Fault::kUnalignedRow ? 2 : 0;
      ptx::st_global_v4_b32(p.o + ((head + m0 + row) * 64 + chunk % 8 * 8 + aside),
                            ptx::ld_shared_v4_b32(at(sq, row, chunk % 8)));
    }
  }
}

// Tensors of one run, and the largest error of o and of lse against double precision.
struct Case {
  int rows, heads;
  bool causal;
  DeviceArray<uint16_t> q, k, v, o;
  DeviceArray<float> lse;

  Case(int rows, int heads, bool causal)
      : rows(rows),
        heads(heads),
        causal(causal),
        q(size()),
        k(size()),
        v(size()),
        o(size(), 0xffff),
        lse(static_cast<size_t>(heads) * static_cast<size_t>(rows), NAN) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    for (DeviceArray<uint16_t>* tensor : {&q, &k, &v}) {
      for (size_t i = 0; i < size(); ++i) (*tensor)[i] = ptx::cvt_rn_bf16_f32(normal(random));
    }
  }
  size_t size() const { return static_cast<size_t>(heads) * static_cast<size_t>(rows) * 64; }

  bool run(Fault fault = Fault::kNone) {
    const Params params{q.global_const(), k.global_const(),     v.global_const(),
                        o.global(),       lse.global(),         rows,
                        causal,           0.125f * 1.44269504f, fault};
    const emu::GridShape shape{
        {static_cast<uint32_t>((rows + kTile - 1) / kTile), static_cast<uint32_t>(heads), 1},
        kThreads,
        kSharedBytes,
        false,
        false};
    return launch(kernel, params, shape, next_order(), "attention");
  }

  // Largest error over the rows of one head; NaN anywhere gives infinity.
  double error() {
    double most = 0;
    const auto value = [](uint16_t x) { return static_cast<double>(ptx::cvt_f32_bf16(x)); };
    std::vector<double> weights(static_cast<size_t>(rows));
    for (int h = 0; h < heads; ++h) {
      const size_t first = static_cast<size_t>(h) * static_cast<size_t>(rows);
      for (size_t i = 0; i < static_cast<size_t>(rows); ++i) {
        const size_t keys = causal ? i + 1 : static_cast<size_t>(rows);
        double top = -INFINITY, sum = 0;
        for (size_t j = 0; j < keys; ++j) {
          double dot = 0;
          for (size_t d = 0; d < 64; ++d)
            dot += value(q[(first + i) * 64 + d]) * value(k[(first + j) * 64 + d]);
          weights[j] = dot / 8;
          top = std::max(top, weights[j]);
        }
        for (size_t j = 0; j < keys; ++j) sum += weights[j] = std::exp(weights[j] - top);
        for (size_t d = 0; d < 64; ++d) {
          double expected = 0;
          for (size_t j = 0; j < keys; ++j) expected += weights[j] * value(v[(first + j) * 64 + d]);
          const double difference = std::fabs(value(o[(first + i) * 64 + d]) - expected / sum);
          most = difference <= most ? most : std::isnan(difference) ? INFINITY : difference;
        }
        const double difference = std::fabs(lse[first + i] - (top + std::log(sum)));
        most = difference <= most ? most : std::isnan(difference) ? INFINITY : difference;
      }
    }
    return most;
  }
};

}  // namespace wl::test::load
