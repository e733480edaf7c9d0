// The tolerance rule of every numeric test: a row's largest error may be `factor` times what plain float32
// arithmetic errs, plus two units in the last place of the row's maximum in the output's precision.
#pragma once

#include <gtest/gtest.h>
#include <warpline/core.h>

#include <cstdint>
#include <vector>

namespace wl::test {

// got, reference and plain hold rows of row_size elements. `reference` is in double precision; `plain` is the
// same formula in float32 arithmetic that rounds only what the op must round. The plain error of a row counts
// at least the median over all rows that it is not exact in; rows of fewer than 16 elements are pooled. NaN where
// the reference has none fails; infinities must agree.
testing::AssertionResult within_tolerance(const std::vector<double>& got,
                                          const std::vector<double>& reference,
                                          const std::vector<double>& plain, int64_t row_size, int32_t dtype,
                                          double factor = 2);

}  // namespace wl::test
