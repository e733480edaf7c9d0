// The blocked kernel: y in tasks of up to 1008 rows x 128 columns, K in blocks of 256 steps.
//
//   x rows ----> copied once a call to rows of one block of K, in the product's type      (all workers)
//   task:  for each block of K:  16 weight rows a panel, packed into the worker's own panels (packed weights are
//          used where they lie), then 126 rows at a time times all panels, summed into the worker's C;
//          then the epilogue of the task's part of y.
// 126 rows are 9 tiles of 14 or 21 tiles of 6. A task's panels (128 KiB) and 126 rows of a block (126 KiB) stay in
// the second level cache, two panels (32 KiB) in the first. Bound by the multiply-add (or dot-product) units for
// many rows, by packing or by reading the weights for few. Every element's sum runs over k in order, whatever the
// blocks, so neither their sizes nor the threads nor M change a bit.
#include <algorithm>
#include <cstring>

#include "core/tensor.h"
#include "cpu/arena.h"
#include "cpu/gemm/epilogue.h"
#include "cpu/gemm/gemm.h"
#include "cpu/gemm/panels.h"
#include "cpu/product.h"
#include "cpu/scratch.h"

namespace wl::cpu {
namespace {

constexpr int64_t kRowsAtATime = 126;
constexpr int64_t kTaskRows = 8 * kRowsAtATime;
constexpr int64_t kTaskColumns = 128;
constexpr int64_t kCopiedRowsBytes = int64_t{32} << 20;  // of x at a time, about
constexpr int64_t kPreparedRows = 16;                    // a task of the copy
constexpr int64_t kSmallWork = int64_t{1} << 18;  // multiply-adds that are done before another thread woke up

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
class Tiles {
 public:
  static constexpr bool kDot = sizeof(T) == 2;
  static constexpr int64_t kGroup = kDot ? 2 : 1;  // elements of k a step
  static constexpr int64_t kDepth = kPanelSteps * kGroup;

  Tiles(const GemmProblem& p, Isa isa)
      : p_(p),
        isa_(isa),
        kernels_(product_kernels(isa)),
        depth_blocks_(std::max<int64_t>(1, ceil_div(p.k, kDepth))),
        lda_(padded_row(std::min(p.k, kDepth), sizeof(T))) {
    const auto row_bytes = static_cast<int64_t>(sizeof(T)) * depth_blocks_ * lda_;
    const int64_t fitting = kCopiedRowsBytes / row_bytes / kRowsAtATime * kRowsAtATime;
    chunk_ = std::min(p.m, std::max(kRowsAtATime, fitting));
    choose_tasks();
    const int64_t halves = p.gated() ? 2 : 1;
    rows_bytes_ = scratch_part(static_cast<uint64_t>(row_bytes * chunk_));
    sums_ = task_rows_ * ldc();
    panels_ = kDepth * task_columns_;
    slot_bytes_ =
        scratch_part(static_cast<uint64_t>(sums_ * halves) * 4 + static_cast<uint64_t>(panels_) * sizeof(T));
  }

  void run() {
    const Scratch scratch(rows_bytes_ + slot_bytes_ * static_cast<uint64_t>(arena_.size()));
    scratch_ = &scratch;
    for (int64_t row = 0; row < p_.m; row += chunk_) run_chunk(row, std::min(chunk_, p_.m - row));
  }

 private:
  int64_t ldc() const { return padded_row(task_columns_, 4); }

  // Columns first; rows are cut only where that leaves workers without tasks.
  void choose_tasks() {
    small_ = p_.m * p_.n <= kSmallWork && p_.m * p_.n * std::min(p_.k, kSmallWork) <= kSmallWork;
    const int64_t wanted = 4 * arena_.size();
    task_columns_ = kTaskColumns;
    while (task_columns_ > 2 * kPanel && ceil_div(p_.n, task_columns_) < wanted) task_columns_ /= 2;
    task_columns_ = std::min(task_columns_, ceil_div(p_.n, kPanel) * kPanel);
    const int64_t column_tasks = ceil_div(p_.n, task_columns_);
    const int64_t cuts = column_tasks >= wanted ? 1 : ceil_div(wanted, column_tasks);
    const int64_t rows = ceil_div(ceil_div(chunk_, cuts), kRowsAtATime) * kRowsAtATime;
    task_rows_ = std::min({chunk_, rows, kTaskRows});
  }

  // Where a row of the chunk begins in a block of K.
  T* copied(int64_t block, int64_t row) const { return scratch_->at<T>(0) + (block * chunk_ + row) * lda_; }

  void run_chunk(int64_t first_row, int64_t rows) {
    auto prepare = [&](int64_t task, int) {
      const int64_t end = std::min(rows, (task + 1) * kPreparedRows);
      for (int64_t row = task * kPreparedRows; row < end; ++row) prepare_one(first_row + row, row);
    };
    const int64_t row_tasks = ceil_div(rows, task_rows_);
    auto multiply = [&](int64_t task, int slot) {
      const int64_t row = task % row_tasks * task_rows_, column = task / row_tasks * task_columns_;
      multiply_one(first_row, row, std::min(task_rows_, rows - row), column,
                   std::min(task_columns_, p_.n - column), slot);
    };
    if (p_.k > 0) run_tasks(ceil_div(rows, kPreparedRows), rows * p_.k <= kSmallWork, prepare);
    run_tasks(row_tasks * ceil_div(p_.n, task_columns_), small_, multiply);
  }

  template <class F>
  void run_tasks(int64_t tasks, bool on_one, F& body) {
    if (!on_one) return arena_.run(tasks, body);
    auto all = [&](int64_t, int slot) {
      for (int64_t task = 0; task < tasks; ++task) body(task, slot);
    };
    arena_.run(1, all);
  }

  void prepare_one(int64_t source_row, int64_t row) {
    const int64_t size = element_size(p_.x.dtype);
    const char* source = static_cast<const char*>(p_.x.data) + source_row * p_.x.strides[0] * size;
    for (int64_t block = 0; block < depth_blocks_; ++block) {
      const int64_t depth = std::min(kDepth, p_.k - block * kDepth);
      prepare_row(isa_, kDot, p_.x.dtype, source + block * kDepth * size, copied(block, row), depth, lda_);
    }
  }

  struct Panels {
    const T* data;
    int64_t stride;
  };

  // The panels of a task's columns in one block of K: in place, or in the worker's memory.
  Panels panels(const GemmWeight& w, int64_t column, int64_t columns, int64_t block, int64_t depth,
                T* own) const {
    const int64_t size = element_size(w.dtype), group = size == 2 ? 2 : 1;
    const int64_t stored_stride = ceil_div(p_.k, group) * group * kPanel;
    const auto* bytes = static_cast<const char*>(w.data);
    if (w.packed) bytes += (column / kPanel * stored_stride + block * kDepth * kPanel) * size;
    if (w.packed && size == sizeof(T)) return {reinterpret_cast<const T*>(bytes), stored_stride};
    for (int64_t first = 0; first < columns; first += kPanel, own += kDepth * kPanel) {
      if constexpr (!kDot) {
        if (w.packed) {
          expand_panel(isa_, w.dtype,
                       reinterpret_cast<const uint16_t*>(bytes) + first * (stored_stride / kPanel), depth,
                       own);
          continue;
        }
      }
      if (depth == 0) continue;
      pack_panel(isa_, kDot, w.dtype, bytes + ((column + first) * w.row_stride + block * kDepth) * size,
                 w.row_stride, std::min<int64_t>(kPanel, columns - first), depth, own);
    }
    return {own - ceil_div(columns, kPanel) * kDepth * kPanel, kDepth * kPanel};
  }

  void product(const T* a, const Panels& b, float* c, int64_t rows, int64_t columns, int64_t depth,
               bool accumulate) {
    if constexpr (kDot) {
      kernels_.bfloat16(a, lda_, b.data, b.stride, c, ldc(), rows, columns, depth, accumulate);
    } else {
      kernels_.float32(a, lda_, b.data, b.stride, c, ldc(), rows, columns, depth, accumulate);
    }
  }

  void multiply_one(int64_t first_row, int64_t row, int64_t rows, int64_t column, int64_t columns, int slot) {
    const uint64_t base = rows_bytes_ + slot_bytes_ * static_cast<uint64_t>(slot);
    T* own = scratch_->at<T>(base);
    float* sums[2];
    sums[0] = scratch_->at<float>(base + static_cast<uint64_t>(panels_) * sizeof(T));
    sums[1] = p_.gated() ? sums[0] + sums_ : nullptr;
    const GemmWeight* weights[] = {&p_.weight, &p_.up};
    const int halves = p_.gated() ? 2 : 1;
    for (int64_t block = 0; block < depth_blocks_; ++block) {
      const int64_t depth = std::min(kDepth, p_.k - block * kDepth);
      for (int half = 0; half < halves; ++half) {
        const Panels b = panels(*weights[half], column, columns, block, depth, own);
        for (int64_t done = 0; done < rows; done += kRowsAtATime) {
          product(copied(block, row + done), b, sums[half] + done * ldc(),
                  std::min(kRowsAtATime, rows - done), columns, depth, block > 0);
        }
      }
    }
    epilogue(isa_, p_, {sums[0], sums[1], ldc(), first_row + row, rows, column, columns});
  }

  const GemmProblem& p_;
  const Isa isa_;
  const ProductKernels& kernels_;
  const Arena arena_;
  const int64_t depth_blocks_, lda_;
  int64_t chunk_ = 0, task_rows_ = 0, task_columns_ = 0;
  int64_t sums_ = 0, panels_ = 0;
  bool small_ = false;
  uint64_t rows_bytes_ = 0, slot_bytes_ = 0;
  const Scratch* scratch_ = nullptr;
};

}  // namespace

void gemm_tiles(const GemmProblem& problem, Isa isa, bool dot) {
  if (dot) {
    Tiles<uint16_t>(problem, isa).run();
  } else {
    Tiles<float>(problem, isa).run();
  }
}

void pack_weight(const wl_tensor& weight, void* panels) {
  const Isa set = isa();
  const int64_t n = weight.shape[0], k = weight.shape[1], size = element_size(weight.dtype);
  if (n == 0 || k == 0) return;
  const bool pairs = size == 2;
  const int64_t group = pairs ? 2 : 1, panel_bytes = ceil_div(k, group) * group * kPanel * size;
  const int64_t piece = kPanelSteps * group;
  auto body = [&](int64_t panel, int) {
    const int64_t row = panel * kPanel;
    const auto* source = static_cast<const char*>(weight.data) + row * weight.strides[0] * size;
    auto* out = static_cast<char*>(panels) + panel * panel_bytes;
    for (int64_t first = 0; first < k; first += piece) {
      pack_panel(set, pairs, weight.dtype, source + first * size, weight.strides[0],
                 std::min<int64_t>(kPanel, n - row), std::min(piece, k - first), out + first * kPanel * size);
    }
  };
  Arena().run(panel_count(n), body);
}

}  // namespace wl::cpu
