// The blocked kernel. A task is a part of y, up to 1920 rows x 128 columns (fewer columns for few rows).
//
//   for each span of K (its panels take at most 512 KiB):
//     16 weight rows make a panel, packed into the worker's own memory (packed weights are used where they lie)
//     for each 120 rows of x:  for each 256 steps of the span:  rows x panels, summed into the worker's C
//                              after the last span:             the epilogue of these rows
//
// x is used where it lies if it has the product's type; else all its rows are converted first, once a call. 120
// rows are 10 tiles of 12 or 20 tiles of 6. The panels and 120 rows of a step block (120 KiB) stay in the second
// level cache, two panels (32 KiB) in the first. Bound by the multiply-add (or dot-product) units for many rows, by
// packing or by reading the weights for few. Every element's sum runs over k in order, whatever the blocks, so
// neither their sizes nor the threads nor M change a bit.
#include <algorithm>

#include "core/rounding.h"
#include "core/tensor.h"
#include "cpu/arena.h"
#include "cpu/gemm/epilogue.h"
#include "cpu/gemm/gemm.h"
#include "cpu/gemm/panels.h"
#include "cpu/product.h"
#include "cpu/scratch.h"

namespace wl::cpu {
namespace {

constexpr int64_t kBlockRows = 120;
constexpr int64_t kTaskRows = 16 * kBlockRows;
constexpr int64_t kTaskColumns = 128;
constexpr int64_t kFewRows = 64;  // up to which a task is two panels wide: they stay in the first level cache
constexpr int64_t kSpanBytes = int64_t{512} << 10;
constexpr int64_t kConvertedBytes = int64_t{32} << 20;  // of x at a time, about
constexpr int64_t kConvertedRows = 16;                  // a task of the conversion
constexpr int64_t kSmallWork = int64_t{1} << 18;  // multiply-adds that are done before another thread woke up

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
        // An odd k of bfloat16 reads one element past the row: only a copy has it.
        in_place_(element_size(p.x.dtype) == sizeof(T) && p.k % kGroup == 0),
        depth_blocks_(std::max<int64_t>(1, ceil_div(p.k, kDepth))),
        lda_(in_place_ ? p.x.strides[0] : padded_row(std::min(p.k, kDepth), sizeof(T))) {
    chunk_ = p.m;
    if (!in_place_) {
      const int64_t row_bytes = static_cast<int64_t>(sizeof(T)) * depth_blocks_ * lda_;
      chunk_ = std::min(p.m, std::max(kBlockRows, kConvertedBytes / row_bytes / kBlockRows * kBlockRows));
      rows_bytes_ = scratch_part(static_cast<uint64_t>(row_bytes * chunk_));
    }
    choose_tasks();
    const int64_t halves = p.gated() ? 2 : 1;
    panels_ = span_ * kDepth * task_columns_;
    sums_ = (span_ == depth_blocks_ ? std::min(kBlockRows, task_rows_) : task_rows_) * ldc();
    slot_bytes_ = scratch_part(static_cast<uint64_t>(halves * panels_) * sizeof(T)) +
                  scratch_part(static_cast<uint64_t>(halves * sums_) * sizeof(float));
  }

  void run() {
    const Scratch scratch(rows_bytes_ + slot_bytes_ * static_cast<uint64_t>(arena_.size()));
    scratch_ = &scratch;
    for (int64_t row = 0; row < p_.m; row += chunk_) run_chunk(row, std::min(chunk_, p_.m - row));
  }

 private:
  int64_t ldc() const { return padded_row(task_columns_, sizeof(float)); }

  // Columns first; rows are cut only where that leaves workers without tasks.
  void choose_tasks() {
    small_ = p_.m * p_.n <= kSmallWork && p_.m * p_.n * std::min(p_.k, kSmallWork) <= kSmallWork;
    const int64_t wanted = 4 * arena_.size();
    task_columns_ = chunk_ <= kFewRows ? 2 * kPanel : kTaskColumns;
    while (task_columns_ > 2 * kPanel && ceil_div(p_.n, task_columns_) < wanted) task_columns_ /= 2;
    task_columns_ = std::min(task_columns_, round_up(p_.n, kPanel));
    const int64_t cuts =
        std::max(ceil_div(wanted, ceil_div(p_.n, task_columns_)), ceil_div(chunk_, kTaskRows));
    task_rows_ = std::min(chunk_, round_up(ceil_div(chunk_, cuts), kBlockRows));
    const int64_t fitting = kSpanBytes / (kDepth * task_columns_ * static_cast<int64_t>(sizeof(T)));
    span_ = task_rows_ <= kBlockRows ? 1 : std::min(depth_blocks_, fitting);
  }

  template <class F>
  void run_tasks(int64_t tasks, bool on_one, F& body) const {
    if (!on_one) return arena_.run(tasks, body);
    auto all = [&](int64_t, int slot) {
      for (int64_t task = 0; task < tasks; ++task) body(task, slot);
    };
    arena_.run(1, all);
  }

  void run_chunk(int64_t first_row, int64_t rows) {
    first_row_ = first_row;
    auto convert = [&](int64_t task, int) {
      const int64_t end = std::min(rows, (task + 1) * kConvertedRows);
      for (int64_t row = task * kConvertedRows; row < end; ++row) convert_row(row);
    };
    if (!in_place_ && p_.k > 0) run_tasks(ceil_div(rows, kConvertedRows), rows * p_.k <= kSmallWork, convert);
    const int64_t row_tasks = ceil_div(rows, task_rows_);
    auto multiply = [&](int64_t task, int slot) {
      const int64_t row = task % row_tasks * task_rows_, column = task / row_tasks * task_columns_;
      run_task(row, std::min(task_rows_, rows - row), column, std::min(task_columns_, p_.n - column), slot);
    };
    run_tasks(row_tasks * ceil_div(p_.n, task_columns_), small_, multiply);
  }

  const char* x_row(int64_t row) const {
    return static_cast<const char*>(p_.x.data) +
           (first_row_ + row) * p_.x.strides[0] * element_size(p_.x.dtype);
  }
  T* converted(int64_t block, int64_t row) const {
    return scratch_->at<T>(0) + (block * chunk_ + row) * lda_;
  }

  void convert_row(int64_t row) const {
    const int64_t size = element_size(p_.x.dtype);
    for (int64_t block = 0; block < depth_blocks_; ++block) {
      const int64_t first = block * kDepth;
      prepare_row(isa_, kDot, p_.x.dtype, x_row(row) + first * size, converted(block, row), depth_of(block),
                  lda_);
    }
  }

  int64_t depth_of(int64_t block) const { return std::min(kDepth, p_.k - block * kDepth); }

  struct Panels {
    const T* data;
    int64_t stride;
  };

  // The panels of a task's columns from a block of K on, `depth` elements deep: where they lie, or in `own`.
  Panels panels(const GemmWeight& w, int64_t column, int64_t columns, int64_t block, int64_t depth,
                T* own) const {
    const int64_t size = element_size(w.dtype), group = size == 2 ? 2 : 1;
    const auto* bytes = static_cast<const char*>(w.data);
    const int64_t stride = round_up(depth, kGroup) * kPanel;
    if (depth == 0) return {own, stride};
    if (!w.packed) {
      bytes += (column * w.row_stride + block * kDepth) * size;
      for (int64_t i = 0; i * kPanel < columns; ++i) {
        pack_panel(isa_, kDot, w.dtype, bytes + i * kPanel * w.row_stride * size, w.row_stride,
                   std::min<int64_t>(kPanel, columns - i * kPanel), depth, own + i * stride);
      }
      return {own, stride};
    }
    const int64_t stored = round_up(p_.k, group) * kPanel;
    bytes += (column / kPanel * stored + block * kDepth * kPanel) * size;
    if (size == sizeof(T)) return {reinterpret_cast<const T*>(bytes), stored};
    if constexpr (!kDot) {
      for (int64_t i = 0; i * kPanel < columns; ++i) {
        expand_panel(isa_, w.dtype, reinterpret_cast<const uint16_t*>(bytes) + i * stored, depth,
                     own + i * stride);
      }
    }
    return {own, stride};
  }

  void multiply(const T* a, const Panels& b, float* c, int64_t rows, int64_t columns, int64_t depth,
                bool accumulate) const {
    if constexpr (kDot) {
      kernels_.bfloat16(a, lda_, b.data, b.stride, c, ldc(), rows, columns, depth, accumulate);
    } else {
      kernels_.float32(a, lda_, b.data, b.stride, c, ldc(), rows, columns, depth, accumulate);
    }
  }

  void run_task(int64_t first, int64_t rows, int64_t column, int64_t columns, int slot) const {
    const int halves = p_.gated() ? 2 : 1;
    const GemmWeight* weights[] = {&p_.weight, &p_.up};
    const uint64_t base = rows_bytes_ + slot_bytes_ * static_cast<uint64_t>(slot);
    T* own = scratch_->at<T>(base);
    float* sums =
        scratch_->at<float>(base + scratch_part(static_cast<uint64_t>(halves * panels_) * sizeof(T)));
    for (int64_t begin = 0; begin < depth_blocks_; begin += span_) {
      const int64_t end = std::min(depth_blocks_, begin + span_);
      const int64_t depth = std::min(p_.k, end * kDepth) - begin * kDepth;
      Panels span[2] = {};
      for (int half = 0; half < halves; ++half)
        span[half] = panels(*weights[half], column, columns, begin, depth, own + half * panels_);
      for (int64_t row = 0; row < rows; row += kBlockRows) {
        const int64_t count = std::min(kBlockRows, rows - row);
        float* c = sums + (span_ == depth_blocks_ ? 0 : row * ldc());
        for (int64_t block = begin; block < end; ++block) {
          const T* a = in_place_ ? reinterpret_cast<const T*>(x_row(first + row)) + block * kDepth
                                 : converted(block, first + row);
          for (int half = 0; half < halves; ++half) {
            const Panels b{span[half].data + (block - begin) * kDepth * kPanel, span[half].stride};
            multiply(a, b, c + half * sums_, count, columns, depth_of(block), block > 0);
          }
        }
        if (end < depth_blocks_) continue;
        epilogue(isa_, p_,
                 {c, c + (halves - 1) * sums_, ldc(), first_row_ + first + row, count, column, columns});
      }
    }
  }

  const GemmProblem& p_;
  const Isa isa_;
  const ProductKernels& kernels_;
  const Arena arena_;
  const bool in_place_;  // x is multiplied where it lies
  const int64_t depth_blocks_, lda_;
  int64_t chunk_ = 0, first_row_ = 0;  // rows of x that are converted at a time; the first of them
  int64_t task_rows_ = 0, task_columns_ = 0, span_ = 0;
  int64_t panels_ = 0, sums_ = 0;  // elements of one half's panels and sums
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
