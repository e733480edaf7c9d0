// Copies into swizzled tiles: each element of the matrix arrives where the tile keeps it, the rest is zero, and nothing
// outside the matrix is read (guarded by NaN patterns, and by the checked build's memory check).
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

#include "cuda/ptx/special.h"
#include "cuda/ptx/sync.h"
#include "cuda/tile/copy.h"
#include "emulator/grid.h"

namespace wl::test {
namespace {

using namespace wl::cuda;
namespace ptx = wl::cuda::ptx;

constexpr int kThreads = 128;

// Eight rows of one chunk (a phase of ldmatrix), and eight neighbouring chunks (a phase of a copy), are in eight banks of
// 16 bytes.
template <int kRowBytes>
void expect_no_conflicts() {
  using Tile = tile::SharedTile<16, kRowBytes>;
  const auto banks = [](auto&& offset_of) {
    std::set<uint32_t> seen;
    for (uint32_t i = 0; i < 8; ++i) seen.insert(offset_of(i) / 16 % 8);
    return seen.size();
  };
  std::set<uint32_t> offsets;
  for (uint32_t chunk = 0; chunk < Tile::kChunks; ++chunk) {
    for (uint32_t row = 0; row < 16; ++row) {
      offsets.insert(Tile::offset(row, chunk));
      EXPECT_LE(Tile::offset(row, chunk) + 16, static_cast<uint32_t>(Tile::kBytes));
    }
    for (uint32_t row = 0; row < 16; row += 8)
      EXPECT_EQ(banks([&](uint32_t i) { return Tile::offset(row + i, chunk); }), 8u) << kRowBytes;
  }
  EXPECT_EQ(offsets.size(), 16u * Tile::kChunks) << "chunks overlap";
  for (uint32_t first = 0; first < 16 * Tile::kChunks; first += 8) {
    EXPECT_EQ(banks([&](uint32_t i) {
                return Tile::offset((first + i) / Tile::kChunks, (first + i) % Tile::kChunks);
              }),
              8u)
        << kRowBytes;
  }
}

TEST(SharedTile, NoBankConflictsAtAnyWidth) {
  expect_no_conflicts<64>();
  expect_no_conflicts<128>();
  expect_no_conflicts<192>();
  expect_no_conflicts<256>();
  expect_no_conflicts<320>();
  expect_no_conflicts<384>();
  expect_no_conflicts<512>();
  expect_no_conflicts<1024>();
}

// A cursor's steps reach what the tile's own address says.
template <int kRowBytes>
void expect_steps() {
  using Tile = tile::SharedTile<32, kRowBytes>;
  const Tile t{1024};
  for (uint32_t row = 0; row < 16; ++row) {
    for (uint32_t low = 0; low < 2; ++low) {
      const auto cursor = tile::Cursor<Tile>::at(t, row, low);
      for (int rows = 0; rows < 32 - 8; rows += 8) {
        if (row + static_cast<uint32_t>(rows) >= 32) continue;
        for (int chunks = 0; chunks < Tile::kChunks; chunks += 2) {
          EXPECT_EQ(cursor.step(rows, chunks),
                    t.address(row + static_cast<uint32_t>(rows), low + static_cast<uint32_t>(chunks)));
        }
      }
    }
  }
}

TEST(SharedTile, CursorStepsReachTheTilesAddresses) {
  expect_steps<64>();
  expect_steps<128>();
  expect_steps<192>();
  expect_steps<384>();
  expect_steps<512>();
}

template <class Bits>
struct Source {
  std::shared_ptr<DeviceArray<Bits>> memory;
  int64_t stride;
  int rows, columns, before;
  const Bits* first() const { return memory->data() + before; }
};

template <class Bits>
Bits code(int row, int column) {
  return static_cast<Bits>(row * 1000 + column + 1);
}

template <class Bits>
Source<Bits> make_source(int rows, int columns, int64_t stride, int before) {
  Source<Bits> s{nullptr, stride, rows, columns, before};
  s.memory = std::make_shared<DeviceArray<Bits>>(
      static_cast<size_t>(before + (rows == 0 ? 0 : (rows - 1) * stride + columns)),
      static_cast<Bits>(~Bits{0}));
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c)
      (*s.memory)[static_cast<size_t>(before + r * stride + c)] = code<Bits>(r, c);
  }
  return s;
}

// Copies rows [first, first + kRows) and compares the tile, read back by its addresses.
template <int kRows, int kRowBytes, class Bits>
void expect_copied(const Source<Bits>& source, int first, bool by_chunks) {
  using Tile = tile::SharedTile<kRows, kRowBytes>;
  constexpr int kColumns = kRowBytes / static_cast<int>(sizeof(Bits)),
                kWidth = 16 / static_cast<int>(sizeof(Bits));
  DeviceArray<Bits> got(static_cast<size_t>(kRows * kColumns));
  Bits* out = got.data();
  run_blocks(
      1, kThreads, Tile::kBytes,
      [=, &source] {
        const tile::Matrix<Bits> matrix{{source.first()}, source.stride, source.rows, source.columns};
        const Tile t{ptx::shared_base()};
        const tile::TileCopy<Tile, Bits, kThreads> copy(matrix, ptx::tid_x());
        if (by_chunks) {
          copy.copy_async(t, first);
        } else {
          copy.copy_elements(t, first);
        }
        ptx::cp_async_commit_group();
        ptx::cp_async_wait_group<0>();
        ptx::bar_sync();
        for (int i = static_cast<int>(ptx::tid_x()); i < kRows * kColumns; i += kThreads) {
          const int row = i / kColumns, column = i % kColumns;
          const SharedAddress a =
              t.address(static_cast<uint32_t>(row), static_cast<uint32_t>(column / kWidth)) +
              static_cast<uint32_t>(column % kWidth) * sizeof(Bits);
          if constexpr (sizeof(Bits) == 2)
            out[i] = ptx::ld_shared_b16(a);
          else
            out[i] = ptx::ld_shared_b32(a);
        }
      },
      "tile_copy");
  for (int i = 0; i < kRows * kColumns; ++i) {
    const int row = first + i / kColumns, column = i % kColumns;
    const bool inside = row < source.rows && column < source.columns;
    ASSERT_EQ(got[static_cast<size_t>(i)], inside ? code<Bits>(row, column) : Bits{0})
        << "row " << row << " column " << column << " of " << source.rows << " x " << source.columns;
  }
}

TEST(TileCopy, ByChunks) {
  emu::clear_report();
  for (const int rows : {0, 1, 37, 64, 100}) {
    for (const int first : {0, 64}) {
      expect_copied<64, 128>(make_source<uint16_t>(rows, 64, 72, 8), first, true);
      expect_copied<64, 128>(make_source<uint16_t>(rows, 40, 40, 0), first, true);
      expect_copied<64, 256>(make_source<uint16_t>(rows, 128, 128, 0), first, true);
      expect_copied<32, 64>(make_source<uint16_t>(rows, 32, 64, 16), first, true);
      expect_copied<32, 192>(make_source<uint16_t>(rows, 88, 96, 0), first, true);
      expect_copied<64, 384>(make_source<uint32_t>(rows, 92, 96, 4), first, true);
    }
  }
  EXPECT_TRUE(emu::report().findings.empty()) << emu::report().findings[0].text;
}

TEST(TileCopy, ByElementsOfAnyAlignment) {
  emu::clear_report();
  for (const int rows : {0, 1, 37, 64, 100}) {
    for (const int first : {0, 64}) {
      expect_copied<64, 128>(make_source<uint16_t>(rows, 59, 61, 3), first, false);
      expect_copied<64, 256>(make_source<uint16_t>(rows, 111, 111, 1), first, false);
      expect_copied<32, 192>(make_source<uint16_t>(rows, 96, 99, 0), first, false);
      expect_copied<64, 256>(make_source<uint32_t>(rows, 61, 61, 1), first, false);
    }
  }
  EXPECT_TRUE(emu::report().findings.empty()) << emu::report().findings[0].text;
}

TEST(TileCopy, SaysWhichMatricesAreMadeOfChunks) {
  using Matrix = tile::Matrix<uint16_t>;
  EXPECT_TRUE(Matrix::chunked(0x1000, 64, 40));
  EXPECT_FALSE(Matrix::chunked(0x1008, 64, 40));
  EXPECT_FALSE(Matrix::chunked(0x1000, 68, 40));
  EXPECT_FALSE(Matrix::chunked(0x1000, 64, 44));
  EXPECT_TRUE(tile::Matrix<uint32_t>::chunked(0x1000, 68, 44));
}

}  // namespace
}  // namespace wl::test
