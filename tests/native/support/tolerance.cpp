#include "support/tolerance.h"

#include <algorithm>
#include <cmath>

#include "support/tensors.h"

namespace wl::test {

testing::AssertionResult within_tolerance(const std::vector<double>& got,
                                          const std::vector<double>& reference,
                                          const std::vector<double>& plain, int64_t row_size, int32_t dtype,
                                          double factor) {
  if (got.size() != reference.size() || plain.size() != reference.size()) {
    return testing::AssertionFailure()
           << "sizes differ: " << got.size() << ", " << reference.size() << ", " << plain.size();
  }
  const auto total = static_cast<int64_t>(got.size());
  if (total == 0) return testing::AssertionSuccess();
  const int64_t pooled = row_size < 16 ? std::min<int64_t>(total, (15 / row_size + 1) * row_size) : row_size;

  const auto finite_error = [&](const std::vector<double>& values, int64_t i) {
    const double expected = reference[static_cast<size_t>(i)];
    return std::isfinite(expected) ? std::fabs(values[static_cast<size_t>(i)] - expected) : 0.0;
  };
  std::vector<double> plain_errors, rounded;  // of all rows, and of those that are not exact
  for (int64_t begin = 0; begin < total; begin += pooled) {
    double worst = 0;
    for (int64_t i = begin; i < std::min(total, begin + pooled); ++i)
      worst = std::max(worst, finite_error(plain, i));
    plain_errors.push_back(worst);
    if (worst != 0) rounded.push_back(worst);
  }
  const auto middle = rounded.begin() + static_cast<int64_t>(rounded.size() / 2);
  std::nth_element(rounded.begin(), middle, rounded.end());
  const double median = rounded.empty() ? 0 : *middle;

  for (int64_t begin = 0, row = 0; begin < total; begin += pooled, ++row) {
    const int64_t end = std::min(total, begin + pooled);
    double row_max = 0;
    for (int64_t i = begin; i < end; ++i) {
      const double expected = reference[static_cast<size_t>(i)];
      if (std::isfinite(expected)) row_max = std::max(row_max, std::fabs(expected));
    }
    const double allowed =
        factor * std::max(plain_errors[static_cast<size_t>(row)], median) + 2 * ulp(dtype, row_max);
    for (int64_t i = begin; i < end; ++i) {
      const double value = got[static_cast<size_t>(i)], expected = reference[static_cast<size_t>(i)];
      const bool same_special = std::isnan(expected) ? std::isnan(value) : value == expected;
      if (std::isfinite(expected) ? !(std::fabs(value - expected) <= allowed) : !same_special) {
        return testing::AssertionFailure() << "element " << i << " (row " << i / row_size << ") is " << value
                                           << ", reference " << expected << ", allowed error " << allowed;
      }
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace wl::test
