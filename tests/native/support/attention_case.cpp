#include "support/attention_case.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "support/tolerance.h"

namespace wl::test {
namespace {

constexpr int64_t kGap = 2;    // packed tensors: rows before, and after, all sequences
constexpr int64_t kSpare = 5;  // dense k with seqused: rows behind the longest sequence

int64_t sum_of(const std::vector<int64_t>& lengths) {
  int64_t sum = 0;
  for (const int64_t n : lengths) sum += n;
  return sum;
}

int64_t begin_of(const std::vector<int64_t>& lengths, int64_t b) {
  int64_t begin = kGap;
  for (int64_t i = 0; i < b; ++i) begin += lengths[static_cast<size_t>(i)];
  return begin;
}

Buffer offsets_of(const std::vector<int64_t>& lengths) {
  std::vector<int32_t> offsets;
  for (size_t b = 0; b <= lengths.size(); ++b)
    offsets.push_back(static_cast<int32_t>(begin_of(lengths, static_cast<int64_t>(b))));
  const auto count = static_cast<int64_t>(offsets.size());
  return Buffer::ints({count}, offsets);
}

struct Shape {
  bool packed;
  int64_t batch, rows, heads, width;
};

struct Placed {
  Buffer buffer;
  wl_tensor view;
};

// A tensor in memory of the layout's order; `slots` tensors of a token side by side, `slot` of them this one.
wl_tensor view_of(const Buffer& buffer, const Shape& s, AttentionLayout layout, int64_t padded_width,
                  int64_t slots, int64_t slot) {
  wl_tensor t = buffer.view();
  const bool heads_first = layout == AttentionLayout::kHeadsFirst;
  const int64_t head = heads_first ? s.rows * padded_width : padded_width;
  const int64_t row = heads_first ? padded_width : slots * s.heads * padded_width;
  const int64_t batch = slots * s.rows * s.heads * padded_width;
  t.rank = s.packed ? 3 : 4;
  int axis = 0;
  const auto add = [&](int64_t extent, int64_t stride) {
    t.shape[axis] = extent;
    t.strides[axis++] = stride;
  };
  if (!s.packed) add(s.batch, batch);
  add(s.rows, row);
  add(s.heads, head);
  add(s.width, 1);
  if (t.data != nullptr)
    t.data = static_cast<unsigned char*>(t.data) + slot * s.heads * padded_width * element_size(t.dtype);
  return t;
}

Placed place(int32_t dtype, const Shape& s, AttentionLayout layout) {
  const int64_t width = s.width + (layout == AttentionLayout::kPaddedRows ? 3 : 0);
  Placed placed{Buffer(dtype, {s.batch * s.rows * s.heads * width}), {}};
  placed.view = view_of(placed.buffer, s, layout, width, 1, 0);
  return placed;
}

int64_t index_in(const wl_tensor& t, int64_t b, int64_t i, int64_t h, int64_t d) {
  return t.rank == 4 ? b * t.strides[0] + i * t.strides[1] + h * t.strides[2] + d
                     : i * t.strides[0] + h * t.strides[1] + d;
}

// Calls f(index from t.data) for every element in row-major order.
template <class F>
void for_elements(const wl_tensor& t, F&& f) {
  int64_t total = 1;
  for (int axis = 0; axis < t.rank; ++axis) total *= t.shape[axis];
  for (int64_t n = 0; n < total; ++n) {
    int64_t rest = n, index = 0;
    for (int axis = t.rank - 1; axis >= 0; --axis) {
      index += rest % t.shape[axis] * t.strides[axis];
      rest /= t.shape[axis];
    }
    f(index);
  }
}

std::vector<double> values_of(const wl_tensor& t) {
  std::vector<double> values;
  if (t.dtype == WL_DTYPE_NONE) return values;
  for_elements(t, [&](int64_t i) { values.push_back(value_at(t.dtype, t.data, i)); });
  return values;
}

testing::AssertionResult check_lse(const std::vector<double>& got, const std::vector<double>& reference,
                                   const std::vector<double>& plain) {
  for (size_t i = 0; i < reference.size(); ++i) {
    const double expected = reference[i];
    const double allowed = 2 * std::fabs(plain[i] - expected) + 1e-5 * std::max(1.0, std::fabs(expected));
    const bool same = std::isnan(expected)   ? std::isnan(got[i])
                      : std::isinf(expected) ? got[i] == expected
                                             : std::fabs(got[i] - expected) <= allowed;
    if (!same) {
      return testing::AssertionFailure() << "lse " << i << " is " << got[i] << ", reference " << expected
                                         << ", allowed error " << allowed;
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace

std::string describe(const AttentionSetup& s) {
  std::ostringstream text;
  const auto list = [&](const std::vector<int64_t>& lengths) {
    for (size_t i = 0; i < lengths.size(); ++i) text << (i ? "," : "") << lengths[i];
  };
  text << dtype_name(s.q_dtype) << "/" << dtype_name(s.kv_dtype) << "/" << dtype_name(s.o_dtype) << " q "
       << (s.q_packed ? "packed " : "dense ");
  list(s.q_lengths);
  text << " k " << (s.k_packed ? "packed " : s.seqused ? "seqused " : "dense ");
  list(s.k_lengths);
  text << " heads " << s.q_heads << ":" << s.k_heads << " d " << s.d_qk << ":" << s.d_v << " layout "
       << static_cast<int>(s.layout) << " scale " << s.scale << (s.causal ? " causal" : "");
  if (s.window) text << " window " << s.window_left << ":" << s.window_right;
  if (s.alibi) text << (s.alibi_per_sequence ? " alibi[B]" : " alibi");
  if (s.softcap != 0) text << " softcap " << s.softcap;
  text << (s.sinks ? " sinks" : "") << (s.lse ? " lse" : "") << " seed " << s.seed;
  return text.str();
}

AttentionCase::AttentionCase(const AttentionSetup& s) : params{}, setup_(s) {
  const auto batch = static_cast<int64_t>(s.q_lengths.size());
  const int64_t q_rows = s.q_packed ? sum_of(s.q_lengths) + 2 * kGap : s.q_lengths[0];
  const int64_t k_rows = s.k_packed  ? sum_of(s.k_lengths) + 2 * kGap
                         : s.seqused ? *std::max_element(s.k_lengths.begin(), s.k_lengths.end()) + kSpare
                                     : s.k_lengths[0];
  const auto shape = [&](bool packed, int64_t rows, int64_t heads, int64_t width) {
    return Shape{packed, packed ? 1 : batch, rows, heads, width};
  };
  const Shape k_shape = shape(s.k_packed, k_rows, s.k_heads, s.d_qk);
  const Shape v_shape = shape(s.k_packed, k_rows, s.k_heads, s.d_v);
  const auto keep = [](Placed placed, Buffer& buffer, wl_tensor& view) {
    view = placed.view;
    buffer = std::move(placed.buffer);
    // Moving a Buffer keeps its storage, so the view stays valid.
  };
  params.struct_size = sizeof params;
  keep(place(s.q_dtype, shape(s.q_packed, q_rows, s.q_heads, s.d_qk), s.layout), q_, params.q);
  keep(place(s.o_dtype, shape(s.q_packed, q_rows, s.q_heads, s.d_v), s.layout), o_, params.o);
  if (s.layout == AttentionLayout::kInterleavedKv) {
    const int64_t width = std::max(s.d_qk, s.d_v);
    k_ = Buffer(s.kv_dtype, {k_shape.batch * k_rows * 2 * s.k_heads * width});
    params.k = view_of(k_, k_shape, s.layout, width, 2, 0);
    params.v = view_of(k_, v_shape, s.layout, width, 2, 1);
    separate_v_ = false;
  } else {
    keep(place(s.kv_dtype, k_shape, s.layout), k_, params.k);
    keep(place(s.kv_dtype, v_shape, s.layout), v_, params.v);
  }

  Random random(s.seed);
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t i = 0; i < s.q_lengths[static_cast<size_t>(b)]; ++i) {
      for (int64_t h = 0; h < s.q_heads; ++h) {
        for (int64_t d = 0; d < s.d_qk; ++d) set_q(b, i, h, d, random.normal() * s.amplitude);
      }
    }
    for (int64_t i = 0; i < s.k_lengths[static_cast<size_t>(b)]; ++i) {
      for (int64_t h = 0; h < s.k_heads; ++h) {
        for (int64_t d = 0; d < s.d_qk; ++d) set_k(b, i, h, d, random.normal() * s.amplitude);
        for (int64_t d = 0; d < s.d_v; ++d) set_v(b, i, h, d, random.normal());
      }
    }
  }

  params.flags =
      (s.causal ? uint32_t{WL_ATTENTION_CAUSAL} : 0u) | (s.window ? uint32_t{WL_ATTENTION_WINDOW} : 0u);
  params.scale = s.scale;
  params.softcap = s.softcap;
  params.window_left = s.window_left;
  params.window_right = s.window_right;
  if (s.q_packed) params.cu_seqlens_q = (cu_q_ = offsets_of(s.q_lengths)).view();
  if (s.k_packed) params.cu_seqlens_k = (cu_k_ = offsets_of(s.k_lengths)).view();
  if (s.seqused) {
    used_ = Buffer::ints({batch}, {s.k_lengths.begin(), s.k_lengths.end()});
    params.seqused_k = used_.view();
  }
  if (s.alibi) {
    std::vector<double> slopes;
    for (int64_t i = 0; i < (s.alibi_per_sequence ? batch : 1) * s.q_heads; ++i)
      slopes.push_back(random.uniform(0.01, 0.3));
    slopes_ = s.alibi_per_sequence ? Buffer::floats(WL_DTYPE_FLOAT32, {batch, s.q_heads}, slopes)
                                   : Buffer::floats(WL_DTYPE_FLOAT32, {s.q_heads}, slopes);
    params.alibi_slopes = slopes_.view();
  }
  if (s.sinks) {
    sinks_ = Buffer::floats(WL_DTYPE_FLOAT32, {s.q_heads}, random.normals(s.q_heads, 2));
    params.sinks = sinks_.view();
  }
  if (s.lse) {
    lse_ = s.q_packed ? Buffer(WL_DTYPE_FLOAT32, {s.q_heads, q_rows})
                      : Buffer(WL_DTYPE_FLOAT32, {batch, s.q_heads, q_rows});
    params.lse = lse_.view();
  }
}

int64_t AttentionCase::q_begin(int64_t b) const {
  return setup_.q_packed ? begin_of(setup_.q_lengths, b) : 0;
}
int64_t AttentionCase::k_begin(int64_t b) const {
  return setup_.k_packed ? begin_of(setup_.k_lengths, b) : 0;
}

void AttentionCase::set(const wl_tensor& view, Buffer& buffer, int64_t begin, int64_t b, int64_t i, int64_t h,
                        int64_t d, double value) {
  const int64_t offset =
      (static_cast<unsigned char*>(view.data) - static_cast<unsigned char*>(buffer.view().data)) /
      element_size(view.dtype);
  buffer.set(offset + index_in(view, b, begin + i, h, d), value);
}

wl_status AttentionCase::run(const wl_launch* at) {
  o_.poison();
  if (setup_.lse) lse_.poison();
  return wl_attention(&params, at);
}

std::vector<double> AttentionCase::o() const { return values_of(params.o); }
std::vector<double> AttentionCase::lse() const { return values_of(params.lse); }

std::vector<unsigned char> AttentionCase::bytes() const {
  std::vector<unsigned char> bytes = o_.bytes();
  if (setup_.lse) {
    const std::vector<unsigned char> more = lse_.bytes();
    bytes.insert(bytes.end(), more.begin(), more.end());
  }
  return bytes;
}

bool AttentionCase::only_views_written() const {
  std::vector<bool> inside(static_cast<size_t>(o_.size()), false);
  for_elements(params.o, [&](int64_t i) { inside[static_cast<size_t>(i)] = true; });
  for (int64_t i = 0; i < o_.size(); ++i) {
    if (!inside[static_cast<size_t>(i)] && !std::isnan(o_.get(i))) return false;
  }
  return o_.guards_intact() && (!setup_.lse || lse_.guards_intact());
}

testing::AssertionResult AttentionCase::run_and_check(const wl_launch* at) {
  if (run(at) != WL_STATUS_OK)
    return testing::AssertionFailure() << describe(setup_) << ": " << wl_last_error();
  if (!only_views_written())
    return testing::AssertionFailure() << describe(setup_) << ": wrote outside o or lse";
  return check({o(), lse()});
}

// The plain error is what float32 arithmetic errs: the largest of several orders and scales, because the errors of
// a row of o come from a few scores together, so that one order may be right by luck.
void AttentionCase::refer(const std::vector<int64_t>& orders) {
  if (reference_.o.empty()) {
    reference_ = attention_in_double(params);
    plain_ = attention_in_float(params);
  }
  const auto take_worse = [](std::vector<double>& plain, const std::vector<double>& other,
                             const std::vector<double>& reference) {
    for (size_t i = 0; i < plain.size(); ++i) {
      if (std::fabs(other[i] - reference[i]) > std::fabs(plain[i] - reference[i])) plain[i] = other[i];
    }
  };
  for (const int64_t lanes : orders) {
    const AttentionValues other = attention_in_float(params, AttentionFault::kNone, lanes);
    take_worse(plain_.o, other.o, reference_.o);
    take_worse(plain_.lse, other.lse, reference_.lse);
  }
}

// In one row of a million all of the usual orders are right by luck: before a row is called wrong, more are asked.
testing::AssertionResult AttentionCase::check(const AttentionValues& got) {
#if defined(WL_TEST_ON_DEVICE)
  if (reference_.o.empty()) refer({2, 3, 4, 6, 8, -1});  // the kernels visit keys from the last one down
#else
  if (reference_.o.empty()) refer({2, 3, 4, 6, 8});
#endif
  testing::AssertionResult result = check_values(got);
  if (!result) {
    refer({5, 7, 9, 10, 11, 12, 13, 14, 15, 16, -2, -3, -4, -5, -6, -7, -8});
    result = check_values(got);
  }
  return result;
}

testing::AssertionResult AttentionCase::check_values(const AttentionValues& got) const {
  const double factor = setup_.softcap != 0 ? 3 : 2;
  const auto o_result = within_tolerance(got.o, reference_.o, plain_.o, setup_.d_v, setup_.o_dtype, factor);
  if (!o_result) return testing::AssertionFailure() << describe(setup_) << ": " << o_result.message();
  if (got.lse.empty()) return testing::AssertionSuccess();
  const auto lse_result = check_lse(got.lse, reference_.lse, plain_.lse);
  if (!lse_result) return testing::AssertionFailure() << describe(setup_) << ": " << lse_result.message();
  return testing::AssertionSuccess();
}

}  // namespace wl::test
