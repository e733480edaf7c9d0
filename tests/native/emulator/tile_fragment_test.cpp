// Fragments and the ring of stages: a product of tiles by fragments equals the sum written out, element by element, on
// small integers, which every type holds exactly.
#include <gtest/gtest.h>

#include <vector>

#include "cuda/ptx/special.h"
#include "cuda/ptx/sync.h"
#include "cuda/tile/copy.h"
#include "cuda/tile/fragment.h"
#include "cuda/tile/pipeline.h"
#include "emulator/grid.h"
#include "support/tensors.h"

namespace wl::test {
namespace {

using namespace wl::cuda;
namespace ptx = wl::cuda::ptx;

std::vector<int> small_integers(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<int> values(count);
  for (int& v : values) v = static_cast<int>(random.integer(-4, 4));
  return values;
}
void fill(DeviceArray<uint16_t>& bits, const std::vector<int>& values, bool half) {
  for (size_t i = 0; i < values.size(); ++i) {
    const auto x = static_cast<float>(values[i]);
    bits[i] = half ? ptx::cvt_rn_f16_f32(x) : ptx::cvt_rn_bf16_f32(x);
  }
}

// c = a b^T for a, b [32, kDepth] (kTransposed false), or a b for b [kDepth, 32]; kSteps tiles of depth 32 go through a
// ring of kStages stages. One warp computes 16 rows.
template <class Element, bool kTransposed, int kStages>
void expect_product(int steps) {
  constexpr int kM = 32, kN = 32, kK = 32, kThreads = 64;
  using ATile = tile::SharedTile<kM, kK * 2>;
  using BTile = tile::SharedTile<kTransposed ? kK : kN, (kTransposed ? kN : kK) * 2>;
  constexpr int kStageBytes = ATile::kBytes + BTile::kBytes;
  const int depth = steps * kK;
  const bool half = std::is_same_v<Element, tile::Float16>;
  const std::vector<int> a = small_integers(static_cast<size_t>(kM * depth), 1),
                         b = small_integers(static_cast<size_t>(kN * depth), 2);
  DeviceArray<uint16_t> a_bits(a.size()), b_bits(b.size());
  fill(a_bits, a, half);
  fill(b_bits, b, half);
  DeviceArray<float> c(kM * kN);
  const uint16_t *a_data = a_bits.data(), *b_data = b_bits.data();
  float* out = c.data();
  run_blocks(
      1, kThreads, kStages * kStageBytes,
      [=] {
        const SharedAddress base = ptx::shared_base();
        tile::CopyPipeline<kStages> ring;
        const auto load = [&](int step) {
          const SharedAddress stage = base + static_cast<uint32_t>(ring.acquire() * kStageBytes);
          if (step < steps) {
            const tile::Matrix<uint16_t> am{{a_data + step * kK}, depth, kM, kK};
            const tile::Matrix<uint16_t> bm =
                kTransposed ? tile::Matrix<uint16_t>{{b_data + step * kK * kN}, kN, kK, kN}
                            : tile::Matrix<uint16_t>{{b_data + step * kK}, depth, kN, kK};
            tile::TileCopy<ATile, uint16_t, kThreads>(am, ptx::tid_x()).copy_async({stage}, 0);
            tile::TileCopy<BTile, uint16_t, kThreads>(bm, ptx::tid_x())
                .copy_async({stage + ATile::kBytes}, 0);
          }
          ring.commit();
        };
        for (int step = 0; step < ring.kAhead; ++step) load(step);
        const uint32_t first_row = ptx::tid_x() / 32 * 16;
        tile::FragmentC sum[kN / 16][2] = {};
        for (int step = 0; step < steps; ++step) {
          const SharedAddress stage = base + static_cast<uint32_t>(ring.wait() * kStageBytes);
          load(step + ring.kAhead);
          const auto a_rows = tile::row_cursor(ATile{stage}, first_row);
          const BTile b_tile{stage + ATile::kBytes};
          for (int k = 0; k < kK; k += 16) {
            const tile::FragmentA fragment = tile::load_a(a_rows, 0, k);
            for (int n = 0; n < kN; n += 16) {
              const tile::FragmentB2 operand =
                  kTransposed ? tile::load_b_transposed(tile::row_cursor(b_tile, 0), k, n)
                              : tile::load_b(tile::column_cursor(b_tile, 0), n, k);
              tile::multiply<Element>(sum[n / 16], fragment, operand);
            }
          }
          ring.release();
        }
        for (int n = 0; n < kN; n += 8) {
          const tile::FragmentC& fragment = sum[n / 16][n / 8 % 2];
          for (int i = 0; i < 4; ++i) {
            const uint32_t row = first_row + tile::FragmentC::row(i);
            const uint32_t column = static_cast<uint32_t>(n) + tile::FragmentC::column(i);
            ptx::st_global_b32(Global<float>{out + row * kN + column}, ptx::mov_b32_f32(fragment.x[i]));
          }
        }
      },
      "tile_product");
  for (int m = 0; m < kM; ++m) {
    for (int n = 0; n < kN; ++n) {
      int expected = 0;
      for (int k = 0; k < depth; ++k)
        expected +=
            a[static_cast<size_t>(m * depth + k)] *
            (kTransposed ? b[static_cast<size_t>(k * kN + n)] : b[static_cast<size_t>(n * depth + k)]);
      ASSERT_EQ(c[static_cast<size_t>(m * kN + n)], static_cast<float>(expected)) << m << ", " << n;
    }
  }
}

TEST(TileFragment, ProductsThroughARingOfStages) {
  emu::clear_report();
  for (const int steps : {1, 2, 5}) {
    expect_product<tile::BFloat16, false, 2>(steps);
    expect_product<tile::BFloat16, true, 3>(steps);
    expect_product<tile::Float16, false, 4>(steps);
    expect_product<tile::Float16, true, 2>(steps);
  }
  EXPECT_TRUE(emu::report().findings.empty()) << emu::report().findings[0].text;
}

// What a product returns is the A operand of the next.
TEST(TileFragment, PackedSumsAreAnAOperand) {
  using Tile = tile::SharedTile<16, 64>;
  DeviceArray<uint16_t> identity(16 * 32, 0);
  for (size_t i = 0; i < 16; ++i) identity[i * 32 + i] = ptx::cvt_rn_bf16_f32(1);
  DeviceArray<float> got(16 * 16);
  uint16_t* source = identity.data();
  float* out = got.data();
  run_blocks(
      1, 32, Tile::kBytes,
      [=] {
        const Tile t{ptx::shared_base()};
        const tile::Matrix<uint16_t> matrix{{source}, 32, 16, 32};
        tile::TileCopy<Tile, uint16_t, 32>(matrix, ptx::tid_x()).copy_elements(t, 0);
        ptx::bar_sync();
        tile::FragmentC values[2], sum[2] = {};
        for (int i = 0; i < 8; ++i) {
          const uint32_t column = static_cast<uint32_t>(i / 4 * 8) + tile::FragmentC::column(i % 4);
          values[i / 4].x[i % 4] = static_cast<float>(tile::FragmentC::row(i % 4) * 16 + column);
        }
        tile::multiply<tile::BFloat16>(sum, tile::to_a<tile::BFloat16>(values),
                                       tile::load_b(tile::column_cursor(t, 0), 0, 0));
        for (int i = 0; i < 8; ++i) {
          const uint32_t column = static_cast<uint32_t>(i / 4 * 8) + tile::FragmentC::column(i % 4);
          ptx::st_global_b32(Global<float>{out + tile::FragmentC::row(i % 4) * 16 + column},
                             ptx::mov_b32_f32(sum[i / 4].x[i % 4]));
        }
      },
      "packed_sums");
  for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], static_cast<float>(i));
}

}  // namespace
}  // namespace wl::test
