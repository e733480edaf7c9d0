// The loop over register tiles that all products share: panel pairs outside, so that a pair stays in the first
// level cache while the rows of A pass by, row blocks inside.
#pragma once

#include <algorithm>

#include "cpu/product.h"

namespace wl::cpu {

constexpr int kTilePanels = 2;

// Computes rows x columns of C from one or two panels, `steps` steps of k. Only those elements of C are touched.
template <class T>
using Tile = void (*)(const T* a, int64_t lda, const T* panels, int64_t panel_stride, float* c, int64_t ldc,
                      int64_t columns, int64_t steps, bool accumulate);

// tiles[panels - 1][rows - 1]
template <class T, int kRows>
struct TileTable {
  Tile<T> tiles[kTilePanels][kRows];
};

template <class T, int kRows>
void sweep(const TileTable<T, kRows>& table, const T* a, int64_t lda, const T* panels, int64_t panel_stride,
           float* c, int64_t ldc, int64_t m, int64_t n, int64_t steps, bool accumulate) {
  for (int64_t column = 0; column < n; column += kTilePanels * kPanel) {
    const int64_t columns = std::min<int64_t>(n - column, kTilePanels * kPanel);
    const Tile<T>* tiles = table.tiles[columns > kPanel ? 1 : 0];
    const T* pair = panels + column / kPanel * panel_stride;
    for (int64_t row = 0; row < m; row += kRows) {
      const int64_t rows = std::min<int64_t>(m - row, kRows);
      tiles[rows - 1](a + row * lda, lda, pair, panel_stride, c + row * ldc + column, ldc, columns, steps,
                      accumulate);
    }
  }
}

// product_bf16.cpp: the machine must have AVX-512 BF16.
void product_bfloat16(const uint16_t* a, int64_t lda, const uint16_t* panels, int64_t panel_stride, float* c,
                      int64_t ldc, int64_t m, int64_t n, int64_t k, bool accumulate);

}  // namespace wl::cpu
