// Attention calls for tests: described in a few fields, built with random inputs, poisoned outputs and NaN wherever
// the op may not look, run through the C ABI and compared with the reference.
#pragma once

#include <gtest/gtest.h>
#include <warpline/attention.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/attention_reference.h"
#include "support/tensors.h"

namespace wl::test {

enum class AttentionLayout {
  kContiguous,
  kHeadsFirst,    // memory [B, H, S, d], or [H, total, d]
  kPaddedRows,    // rows of d + 3 elements: nothing but elements is aligned
  kInterleavedKv  // k and v of a token side by side in one allocation
};

struct AttentionSetup {
  int32_t q_dtype = WL_DTYPE_FLOAT32, kv_dtype = WL_DTYPE_FLOAT32, o_dtype = WL_DTYPE_FLOAT32;
  bool q_packed = false, k_packed = false;
  bool seqused = false;                             // with dense k: spare rows of NaN behind each sequence
  std::vector<int64_t> q_lengths{7}, k_lengths{7};  // dense q: all equal; dense k without seqused: all equal
  int64_t q_heads = 2, k_heads = 2, d_qk = 32, d_v = 32;
  bool causal = false, window = false, alibi = false, alibi_per_sequence = false, sinks = false, lse = false;
  int64_t window_left = -1, window_right = -1;
  float softcap = 0, scale = 0;
  AttentionLayout layout = AttentionLayout::kContiguous;
  double amplitude = 1;  // standard deviation of q and k
  uint64_t seed = 1;
};
std::string describe(const AttentionSetup& setup);

class AttentionCase {
 public:
  explicit AttentionCase(const AttentionSetup& setup);

  wl_attention_params params;  // may be changed before the first check

  // Element of a row of a sequence: (sequence, row, head, column).
  void set_q(int64_t b, int64_t i, int64_t h, int64_t d, double value) {
    set(params.q, q_, q_begin(b), b, i, h, d, value);
  }
  void set_k(int64_t b, int64_t i, int64_t h, int64_t d, double value) {
    set(params.k, k_, k_begin(b), b, i, h, d, value);
  }
  void set_v(int64_t b, int64_t i, int64_t h, int64_t d, double value) {
    set(params.v, separate_v_ ? v_ : k_, k_begin(b), b, i, h, d, value);
  }

  // Poisons the outputs and calls wl_attention.
  wl_status run(const wl_launch* at = nullptr);
  // Values of o and lse in row-major order of their shapes.
  std::vector<double> o() const;
  std::vector<double> lse() const;
  // Bytes of o and lse, for comparisons bit by bit.
  std::vector<unsigned char> bytes() const;

  // Runs, and compares with the reference: values, and that nothing else was written.
  testing::AssertionResult run_and_check(const wl_launch* at = nullptr);
  // Compares given values with the reference by the tolerance rule.
  testing::AssertionResult check(const AttentionValues& got);

 private:
  void set(const wl_tensor& view, Buffer& buffer, int64_t begin, int64_t b, int64_t i, int64_t h, int64_t d,
           double value);
  int64_t q_begin(int64_t b) const;
  int64_t k_begin(int64_t b) const;
  bool only_views_written() const;
  void refer(const std::vector<int64_t>& orders);
  testing::AssertionResult check_values(const AttentionValues& got) const;

  AttentionSetup setup_;
  bool separate_v_ = true;
  AttentionValues reference_, plain_;  // computed at the first check
  Buffer q_, k_, v_, o_, lse_, cu_q_, cu_k_, used_, slopes_, sinks_;
};

}  // namespace wl::test
