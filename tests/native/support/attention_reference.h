// Attention straight from its formula, one row at a time: in double precision, and in plain float32 that rounds only
// the probabilities to q's type and o to its own (what the tolerance rule compares with).
#pragma once

#include <warpline/attention.h>

#include <cstdint>
#include <vector>

namespace wl::test {

// Faults that a kernel might have: the check that finds none of them is no check.
enum class AttentionFault {
  kNone,
  kCausalEarly,  // a causal row misses its last key
  kCausalLate,   // a causal row sees one key too many
  kWindowLeftEarly,
  kWindowLeftLate,
  kWindowRightEarly,
  kWindowRightLate,
  kLengthShort,    // the last valid key is missed
  kScale,          // 2% too large
  kSwappedValues,  // V rows 2i and 2i + 1 exchanged
  kMissedRescale   // sums are not rescaled when a later block of 16 keys raises the maximum
};

// In the row-major order of the shapes of o and lse (lse is computed whether or not the call asks for it); NaN in
// the rows that no sequence owns.
struct AttentionValues {
  std::vector<double> o, lse;
};

AttentionValues attention_in_double(const wl_attention_params& p,
                                    AttentionFault fault = AttentionFault::kNone);
// `lanes`: sums over elements and over keys go through the residue classes modulo it, one after the other, and
// probabilities are relative to the maximum plus (lanes - 1) / 16: one order of summation and one scale among many
// that are as plain. Even: ALiBi is subtracted by a fused multiply-add. Negative: keys from the last one to the first.
AttentionValues attention_in_float(const wl_attention_params& p, AttentionFault fault = AttentionFault::kNone,
                                   int64_t lanes = 1);

// First and one past the last key that a query may attend, from the definition of causal and window.
struct AttendedKeys {
  int64_t begin, end;
};
AttendedKeys attended_keys(const wl_attention_params& p, int64_t q_length, int64_t k_length, int64_t query,
                           AttentionFault fault = AttentionFault::kNone);

}  // namespace wl::test
