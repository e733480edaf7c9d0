#include "support/attention_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/tensors.h"

namespace wl::test {
namespace {

struct Lengths {
  int64_t q_begin, q_length, k_begin, k_length;
};

int64_t integer_at(const wl_tensor& t, int64_t i) {
  return static_cast<int64_t>(value_at(WL_DTYPE_INT32, t.data, i * t.strides[0]));
}

int64_t batch_of(const wl_attention_params& p) {
  return p.q.rank == 4 ? p.q.shape[0] : p.cu_seqlens_q.shape[0] - 1;
}

Lengths lengths_of(const wl_attention_params& p, int64_t b) {
  Lengths r{0, p.q.shape[1], 0, p.k.shape[1]};
  if (p.q.rank == 3)
    r.q_begin = integer_at(p.cu_seqlens_q, b), r.q_length = integer_at(p.cu_seqlens_q, b + 1) - r.q_begin;
  if (p.k.rank == 3)
    r.k_begin = integer_at(p.cu_seqlens_k, b), r.k_length = integer_at(p.cu_seqlens_k, b + 1) - r.k_begin;
  if (p.seqused_k.dtype != WL_DTYPE_NONE) r.k_length = integer_at(p.seqused_k, b);
  return r;
}

// One row of q, k, v: element (b, row, head, 0) is at this index of the tensor's memory.
int64_t row_index(const wl_tensor& t, int64_t b, int64_t row, int64_t head) {
  return t.rank == 4 ? b * t.strides[0] + row * t.strides[1] + head * t.strides[2]
                     : row * t.strides[0] + head * t.strides[1];
}

template <class Real>
std::vector<Real> read_rows(const wl_tensor& t, int64_t b, int64_t begin, int64_t count, int64_t head) {
  const int64_t width = t.shape[t.rank - 1];
  std::vector<Real> rows(static_cast<size_t>(count * width));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = row_index(t, b, begin + i, head);
    for (int64_t d = 0; d < width; ++d)
      rows[static_cast<size_t>(i * width + d)] = static_cast<Real>(value_at(t.dtype, t.data, at + d));
  }
  return rows;
}

template <class Real>
struct RowOutcome {
  std::vector<Real> o;
  Real lse;
};

template <class Real>
class Row {
 public:
  Row(const wl_attention_params& p, AttentionFault fault, int64_t lanes, const Lengths& n, int64_t b,
      int64_t head)
      : p_(p),
        fault_(fault),
        lanes_(lanes < 0 ? -lanes : lanes),
        backwards_(lanes < 0),
        n_(n),
        d_qk_(p.q.shape[p.q.rank - 1]),
        d_v_(p.v.shape[p.v.rank - 1]) {
    scale_ = p.scale != 0 ? static_cast<Real>(p.scale) : 1 / std::sqrt(static_cast<Real>(d_qk_));
    if (fault == AttentionFault::kScale) scale_ *= static_cast<Real>(1.02);
    if (p.alibi_slopes.dtype != WL_DTYPE_NONE) {
      const wl_tensor& t = p.alibi_slopes;
      slope_ = static_cast<Real>(value_at(
          t.dtype, t.data, t.rank == 2 ? b * t.strides[0] + head * t.strides[1] : head * t.strides[0]));
    }
    if (p.sinks.dtype != WL_DTYPE_NONE)
      sink_ = static_cast<Real>(value_at(p.sinks.dtype, p.sinks.data, head * p.sinks.strides[0]));
  }

  RowOutcome<Real> run(const Real* q, const std::vector<Real>& k, const std::vector<Real>& v,
                       int64_t query) const {
    const AttendedKeys keys = attended_keys(p_, n_.q_length, n_.k_length, query, fault_);
    RowOutcome<Real> result{std::vector<Real>(static_cast<size_t>(d_v_), 0), sink_};
    if (keys.begin >= keys.end) return result;
    std::vector<Real> s;
    for (int64_t key = keys.begin; key < keys.end; ++key)
      s.push_back(score(q, k.data() + key * d_qk_, query, key));
    return fault_ == AttentionFault::kMissedRescale ? without_rescale(s, v, keys) : softmax(s, v, keys);
  }

 private:
  Real score(const Real* q, const Real* k, int64_t query, int64_t key) const {
    Real dot = 0;
    for (int64_t lane = 0; lane < lanes_; ++lane) {
      for (int64_t d = lane; d < d_qk_; d += lanes_) dot += q[d] * k[d];
    }
    Real s = dot * scale_;
    if (p_.softcap != 0) s = static_cast<Real>(p_.softcap) * std::tanh(s / static_cast<Real>(p_.softcap));
    const int64_t position = n_.k_length - n_.q_length + query;
    const auto distance = static_cast<Real>(std::llabs(position - key));
    if (slope_ != 0) s = lanes_ % 2 == 0 ? std::fma(-slope_, distance, s) : s - slope_ * distance;
    return s;
  }

  // Probabilities as they enter the product with V.
  Real rounded(Real probability) const {
    if constexpr (std::is_same_v<Real, double>) return probability;
    return static_cast<Real>(round_to(p_.q.dtype, static_cast<double>(probability)));
  }

  void add(RowOutcome<Real>& result, Real probability, const std::vector<Real>& v, int64_t key) const {
    if (fault_ == AttentionFault::kSwappedValues && (key ^ 1) < n_.k_length) key ^= 1;
    const Real weight = rounded(probability);
    for (int64_t d = 0; d < d_v_; ++d)
      result.o[static_cast<size_t>(d)] += weight * v[static_cast<size_t>(key * d_v_ + d)];
  }

  RowOutcome<Real> softmax(const std::vector<Real>& s, const std::vector<Real>& v,
                           const AttendedKeys& keys) const {
    RowOutcome<Real> result{std::vector<Real>(static_cast<size_t>(d_v_), 0), 0};
    const Real shift = static_cast<Real>(lanes_ - 1) / 16;
    const Real max = std::max(sink_, *std::max_element(s.begin(), s.end())) + shift;
    Real sum = std::exp(sink_ - max);
    const auto size = static_cast<int64_t>(s.size());
    for (int64_t lane = 0; lane < lanes_; ++lane) {
      for (int64_t n = lane; n < size; n += lanes_) {
        const int64_t i = backwards_ ? size - 1 - n : n;
        const Real probability = std::exp(s[static_cast<size_t>(i)] - max);
        sum += probability;
        add(result, probability, v, keys.begin + i);
      }
    }
    for (Real& o : result.o) o /= sum;
    result.lse = max + std::log(sum);
    return result;
  }

  RowOutcome<Real> without_rescale(const std::vector<Real>& s, const std::vector<Real>& v,
                                   const AttendedKeys& keys) const {
    RowOutcome<Real> result{std::vector<Real>(static_cast<size_t>(d_v_), 0), 0};
    Real max = -std::numeric_limits<Real>::infinity(), sum = 0;
    for (size_t begin = 0; begin < s.size(); begin += 16) {
      const size_t end = std::min(s.size(), begin + 16);
      max = std::max(max, *std::max_element(s.data() + begin, s.data() + end));
      for (size_t i = begin; i < end; ++i) {
        sum += std::exp(s[i] - max);
        add(result, std::exp(s[i] - max), v, keys.begin + static_cast<int64_t>(i));
      }
    }
    sum += std::exp(sink_ - max);
    for (Real& o : result.o) o /= sum;
    result.lse = max + std::log(sum);
    return result;
  }

  const wl_attention_params& p_;
  AttentionFault fault_;
  int64_t lanes_;
  bool backwards_;
  Lengths n_;
  int64_t d_qk_, d_v_;
  Real scale_, slope_ = 0, sink_ = -std::numeric_limits<Real>::infinity();
};

template <class Real>
AttentionValues run(const wl_attention_params& p, AttentionFault fault, int64_t lanes) {
  const int64_t q_heads = p.q.shape[p.q.rank - 2], k_heads = p.k.shape[p.k.rank - 2];
  const int64_t d_qk = p.q.shape[p.q.rank - 1], d_v = p.v.shape[p.v.rank - 1];
  const int64_t rows = p.q.shape[p.q.rank - 3], all_rows = p.q.rank == 4 ? p.q.shape[0] * rows : rows;
  constexpr double kUnwritten = std::numeric_limits<double>::quiet_NaN();
  AttentionValues values;
  values.o.assign(static_cast<size_t>(all_rows * q_heads * d_v), kUnwritten);
  values.lse.assign(static_cast<size_t>(all_rows * q_heads), kUnwritten);
  for (int64_t b = 0; b < batch_of(p); ++b) {
    const Lengths n = lengths_of(p, b);
    std::vector<Real> k, v;
    for (int64_t head = 0; head < q_heads; ++head) {
      if (head % (q_heads / k_heads) == 0) {
        k = read_rows<Real>(p.k, b, n.k_begin, n.k_length, head / (q_heads / k_heads));
        v = read_rows<Real>(p.v, b, n.k_begin, n.k_length, head / (q_heads / k_heads));
      }
      const auto q = read_rows<Real>(p.q, b, n.q_begin, n.q_length, head);
      const Row<Real> row(p, fault, lanes, n, b, head);
      for (int64_t i = 0; i < n.q_length; ++i) {
        const RowOutcome<Real> outcome = row.run(q.data() + i * d_qk, k, v, i);
        const int64_t at = p.q.rank == 4 ? b * rows + i : n.q_begin + i;
        for (int64_t d = 0; d < d_v; ++d) {
          const auto o = static_cast<double>(outcome.o[static_cast<size_t>(d)]);
          values.o[static_cast<size_t>((at * q_heads + head) * d_v + d)] =
              std::is_same_v<Real, double> ? o : round_to(p.o.dtype, o);
        }
        const int64_t lse_at = p.q.rank == 4 ? (b * q_heads + head) * rows + i : head * rows + n.q_begin + i;
        values.lse[static_cast<size_t>(lse_at)] = static_cast<double>(outcome.lse);
      }
    }
  }
  return values;
}

}  // namespace

AttendedKeys attended_keys(const wl_attention_params& p, int64_t q_length, int64_t k_length, int64_t query,
                           AttentionFault fault) {
  using F = AttentionFault;
  const int64_t position = k_length - q_length + query;
  const int64_t valid = k_length - (fault == F::kLengthShort);
  AttendedKeys keys{0, valid};
  const auto left_to = [&](int64_t first) { keys.begin = std::max(keys.begin, first); };
  const auto right_to = [&](int64_t last) { keys.end = std::min(keys.end, last + 1); };
  if (p.flags & WL_ATTENTION_CAUSAL)
    right_to(position + (fault == F::kCausalLate) - (fault == F::kCausalEarly));
  if (p.flags & WL_ATTENTION_WINDOW) {
    if (p.window_left >= 0)
      left_to(position - p.window_left + (fault == F::kWindowLeftLate) - (fault == F::kWindowLeftEarly));
    if (p.window_right >= 0)
      right_to(position + p.window_right + (fault == F::kWindowRightLate) - (fault == F::kWindowRightEarly));
  }
  return keys;
}

AttentionValues attention_in_double(const wl_attention_params& p, AttentionFault fault) {
  return run<double>(p, fault, 1);
}
AttentionValues attention_in_float(const wl_attention_params& p, AttentionFault fault, int64_t lanes) {
  return run<float>(p, fault, lanes);
}

}  // namespace wl::test
