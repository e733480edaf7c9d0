// A product with all its operands, run through the C ABI and computed again in double precision.
#pragma once

#include <gtest/gtest.h>
#include <warpline/gemm.h>

#include <string>
#include <vector>

#include "support/tensors.h"

namespace wl::test {

#if defined(WL_TEST_ON_DEVICE)
constexpr bool kOnDevice = true;
#else
constexpr bool kOnDevice = false;
#endif

struct GemmShape {
  int64_t m, n, k;
};

struct GemmOptions {
  int32_t x_type = WL_DTYPE_FLOAT32;
  int32_t weight_type = WL_DTYPE_FLOAT32;
  int32_t y_type = WL_DTYPE_FLOAT32;
  int32_t bias_type = WL_DTYPE_NONE;  // NONE: no bias
  int32_t residual_type = WL_DTYPE_NONE;
  int32_t activation = WL_ACTIVATION_NONE;
  bool gated = false;
  bool packed = false;
  bool batch_invariant = false;
  uint64_t seed = 1;
};

// Plain row-major bytes as wl_gemm_pack writes them, 64-byte aligned.
class Packed {
 public:
  Packed() = default;
  explicit Packed(const wl_tensor& weight);
  void* data() const;
  uint64_t size() const { return size_; }

 private:
  std::vector<unsigned char> storage_;
  uint64_t size_ = 0;
};

class GemmCase {
 public:
  GemmCase(GemmShape shape, GemmOptions options);

  // The parameters of the call, with y poisoned; views into this object.
  wl_gemm_params params();
  wl_launch launch() const;
  // Runs the call, checks its status and the guard bands.
  void run();
  std::vector<double> result() const { return y.values(); }
  // Compares the result with the reference by the tolerance rule.
  testing::AssertionResult matches() const { return matches(result()); }
  testing::AssertionResult matches(const std::vector<double>& got) const;

  std::string describe() const;

  GemmShape shape;
  GemmOptions options;
  Buffer x, weight, up_weight, bias, up_bias, residual, y;
  Packed packed, up_packed;
};

// Without and with packed weights, which are the CPU's only; the instruction sets of the CPU, where it computes.
inline std::vector<bool> packings() {
  return kOnDevice ? std::vector<bool>{false} : std::vector<bool>{false, true};
}
inline std::vector<std::string> gemm_instruction_sets() {
  return kOnDevice ? std::vector<std::string>{"auto"} : instruction_sets();
}

}  // namespace wl::test
