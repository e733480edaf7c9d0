// A matrix whose rows may lie apart: gaps between rows are guarded like the memory around the buffer.
#pragma once

#include <functional>
#include <vector>

#include "support/tensors.h"

namespace wl::test {

class Matrix {
 public:
  Matrix() = default;  // absent
  Matrix(int32_t dtype, int64_t rows, int64_t columns, int64_t gap = 0);
  static Matrix of(int32_t dtype, int64_t rows, int64_t columns, const std::vector<double>& values,
                   int64_t gap = 0);

  wl_tensor view() const;
  int32_t dtype() const { return buffer_.dtype(); }
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  double get(int64_t row, int64_t column) const { return buffer_.get(row * stride_ + column); }
  void set(int64_t row, int64_t column, double value) { buffer_.set(row * stride_ + column, value); }
  std::vector<double> values() const;
  std::vector<unsigned char> bytes() const { return buffer_.bytes(); }
  void poison() { buffer_.poison(); }
  // Nothing was written around the buffer or between the rows.
  bool intact() const;

 private:
  Buffer buffer_;
  int64_t rows_ = 0, columns_ = 0, stride_ = 0;
};

// Runs `run` under every instruction set with 1, 2, 3 and 7 threads; `result` must give the same bytes for
// every number of threads. `check` sees the result once for each instruction set.
void for_each_setting(const std::function<void()>& run,
                      const std::function<std::vector<unsigned char>()>& result,
                      const std::function<void()>& check);

constexpr int32_t kFloatTypes[] = {WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16};

// float16 and bfloat16 do not meet in one op.
inline bool combined(int32_t a, int32_t b) {
  return a == b || a == WL_DTYPE_FLOAT32 || b == WL_DTYPE_FLOAT32;
}

}  // namespace wl::test
