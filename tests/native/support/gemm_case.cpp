#include "support/gemm_case.h"

#include <cmath>
#include <sstream>

#include "support/tolerance.h"

namespace wl::test {
namespace {

// The activations from their formulas, in the type of the argument.
template <class T>
T activation(int32_t kind, T v) {
  switch (kind) {
    case WL_ACTIVATION_GELU:
      return v / 2 * (1 + std::erf(v / std::sqrt(T(2))));
    case WL_ACTIVATION_GELU_TANH:
      return v / 2 * (1 + std::tanh(std::sqrt(T(2 / M_PI)) * (v + T(0.044715) * v * v * v)));
    case WL_ACTIVATION_SILU:
      return v / (1 + std::exp(-v));
    case WL_ACTIVATION_RELU:
      return std::max(v, T(0));
    default:
      return v;
  }
}

// The whole result, row by row, each sum in order of k.
template <class T>
std::vector<double> product(const GemmCase& c) {
  const auto values = [](const Buffer& buffer) {
    const std::vector<double> doubles = buffer.values();
    return std::vector<T>(doubles.begin(), doubles.end());
  };
  const std::vector<T> x = values(c.x), weight = values(c.weight), up_weight = values(c.up_weight);
  const std::vector<T> bias = values(c.bias), up_bias = values(c.up_bias), residual = values(c.residual);
  const auto [m, n, k] = c.shape;
  std::vector<double> result;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const auto sum = [&, k = k](const std::vector<T>& w, const std::vector<T>& b) {
        const T* row = x.data() + i * k;
        const T* column = w.data() + j * k;
        T total = 0;
        for (int64_t l = 0; l < k; ++l) total += row[l] * column[l];
        return b.empty() ? total : total + b[static_cast<size_t>(j)];
      };
      T v = activation<T>(c.options.activation, sum(weight, bias));
      if (c.options.gated) v *= sum(up_weight, up_bias);
      if (!residual.empty()) v += residual[static_cast<size_t>(i * n + j)];
      result.push_back(v);
    }
  }
  return result;
}

}  // namespace

Packed::Packed(const wl_tensor& weight) {
  EXPECT_EQ(wl_gemm_pack_size(&weight, &size_), WL_STATUS_OK) << wl_last_error();
  storage_.assign(size_ + 128, 0xa5);
  EXPECT_EQ(wl_gemm_pack(&weight, data(), size_), WL_STATUS_OK) << wl_last_error();
  const auto* end = static_cast<const unsigned char*>(data()) + size_;
  for (int i = 0; i < 32; ++i) EXPECT_EQ(end[i], 0xa5) << "written past the packed bytes";
}

void* Packed::data() const {
  const auto address = reinterpret_cast<uintptr_t>(storage_.data());
  return reinterpret_cast<void*>((address + 63) / 64 * 64);
}

GemmCase::GemmCase(GemmShape s, GemmOptions o) : shape(s), options(o) {
  Random random(o.seed * 7919 + static_cast<uint64_t>(s.m * 1000003 + s.n * 1009 + s.k));
  // Sums of about 2, where the activations bend.
  const double scale = 2 / std::sqrt(static_cast<double>(std::max<int64_t>(s.k, 1)));
  x = Buffer::floats(o.x_type, {s.m, s.k}, random.normals(s.m * s.k));
  weight = Buffer::floats(o.weight_type, {s.n, s.k}, random.normals(s.n * s.k, scale));
  if (o.gated) up_weight = Buffer::floats(o.weight_type, {s.n, s.k}, random.normals(s.n * s.k, scale));
  if (o.bias_type != WL_DTYPE_NONE) bias = Buffer::floats(o.bias_type, {s.n}, random.normals(s.n));
  if (o.gated && o.bias_type != WL_DTYPE_NONE)
    up_bias = Buffer::floats(o.bias_type, {s.n}, random.normals(s.n));
  if (o.residual_type != WL_DTYPE_NONE)
    residual = Buffer::floats(o.residual_type, {s.m, s.n}, random.normals(s.m * s.n));
  y = Buffer(o.y_type, {s.m, s.n});
  if (o.packed) packed = Packed(weight.view());
  if (o.packed && o.gated) up_packed = Packed(up_weight.view());
}

wl_gemm_params GemmCase::params() {
  y.poison();
  wl_gemm_params p{};
  p.struct_size = sizeof p;
  p.activation = options.activation;
  p.x = x.view();
  p.bias = bias.view();
  p.residual = residual.view();
  p.y = y.view();
  p.up_bias = up_bias.view();
  if (options.packed) {
    p.packed = packed.data();
    p.packed_bytes = packed.size();
    if (options.gated) p.up_packed = up_packed.data();
    if (options.gated) p.up_packed_bytes = up_packed.size();
  } else {
    p.weight = weight.view();
    p.up_weight = up_weight.view();
  }
  return p;
}

wl_launch GemmCase::launch() const {
  wl_launch at{};
  at.struct_size = sizeof at;
  at.flags = options.batch_invariant ? WL_FLAG_BATCH_INVARIANT : 0;
  return at;
}

void GemmCase::run() {
  const wl_gemm_params p = params();
  const wl_launch at = launch();
  ASSERT_EQ(wl_gemm(&p, &at), WL_STATUS_OK) << wl_last_error() << "; " << describe();
  EXPECT_TRUE(y.guards_intact()) << describe();
}

testing::AssertionResult GemmCase::matches(const std::vector<double>& got) const {
  const std::vector<double> reference = product<double>(*this);
  std::vector<double> plain = product<float>(*this);
  for (double& value : plain) value = round_to(options.y_type, value);
  const auto result = within_tolerance(got, reference, plain, std::max<int64_t>(shape.n, 1), options.y_type);
  return result ? result : testing::AssertionFailure() << result.message() << "; " << describe();
}

std::string GemmCase::describe() const {
  std::ostringstream text;
  text << "m " << shape.m << " n " << shape.n << " k " << shape.k << " x " << dtype_name(options.x_type)
       << " weight " << dtype_name(options.weight_type) << " y " << dtype_name(options.y_type)
       << " activation " << options.activation << (options.gated ? " gated" : "")
       << (options.packed ? " packed" : "") << " bias " << dtype_name(options.bias_type) << " residual "
       << dtype_name(options.residual_type) << " kernel " << wl_last_kernel();
  return text.str();
}

}  // namespace wl::test
