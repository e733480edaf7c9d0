#include "support/matrix.h"

#include <gtest/gtest.h>

#include <cmath>

namespace wl::test {

Matrix::Matrix(int32_t dtype, int64_t rows, int64_t columns, int64_t gap)
    : buffer_(dtype, {rows, columns + gap}), rows_(rows), columns_(columns), stride_(columns + gap) {}

Matrix Matrix::of(int32_t dtype, int64_t rows, int64_t columns, const std::vector<double>& values,
                  int64_t gap) {
  Matrix m(dtype, rows, columns, gap);
  EXPECT_EQ(rows * columns, static_cast<int64_t>(values.size()));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) m.set(r, c, values[static_cast<size_t>(r * columns + c)]);
  }
  return m;
}

wl_tensor Matrix::view() const {
  wl_tensor t = buffer_.view();
  t.shape[1] = columns_;
  return t;
}

std::vector<double> Matrix::values() const {
  std::vector<double> result;
  for (int64_t r = 0; r < rows_; ++r) {
    for (int64_t c = 0; c < columns_; ++c) result.push_back(get(r, c));
  }
  return result;
}

bool Matrix::intact() const {
  if (!buffer_.guards_intact()) return false;
  for (int64_t r = 0; r < rows_; ++r) {
    for (int64_t c = columns_; c < stride_; ++c) {
      if (!std::isnan(get(r, c))) return false;
    }
  }
  return true;
}

void for_each_setting(const std::function<void()>& run,
                      const std::function<std::vector<unsigned char>()>& result,
                      const std::function<void()>& check) {
  for (const std::string& set : instruction_sets()) {
    SCOPED_TRACE("cpu_isa " + set);
    const OptionScope isa("cpu_isa", set);
    std::vector<unsigned char> first;
    for (const char* threads : {"1", "2", "3", "7"}) {
      SCOPED_TRACE(std::string("threads ") + threads);
      const OptionScope scope("threads", threads);
      run();
      if (testing::Test::HasFatalFailure()) return;
      if (first.empty()) first = result();
      EXPECT_TRUE(result() == first) << "bits differ from those of one thread";
    }
    check();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace wl::test
