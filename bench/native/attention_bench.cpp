// Attention against the product of the same type and size of work, and one query row over long keys against dense
// reading of the same memory.
#include <warpline/attention.h>
#include <warpline/gemm.h>

#include <string>

#include "support/harness.h"
#include "support/limits.h"
#include "support/memory.h"

namespace {

using wl::bench::check;
using wl::bench::dense;
using wl::bench::Memory;
using wl::bench::name_of;
using wl::bench::Report;
using wl::bench::size_of;

// The product that attention is measured by: 1024^3.
struct Product {
  static constexpr int64_t kSize = 1024;
  explicit Product(int32_t dtype)
      : x(kSize * kSize * size_of(dtype)), weight(kSize * kSize * size_of(dtype)), y(kSize * kSize * 4) {
    x.fill(dtype);
    weight.fill(dtype);
    p.struct_size = sizeof p;
    p.x = dense(x.data, dtype, {kSize, kSize});
    p.weight = dense(weight.data, dtype, {kSize, kSize});
    p.y = dense(y.data, WL_DTYPE_FLOAT32, {kSize, kSize});
  }
  Memory x, weight, y;
  wl_gemm_params p{};
};

void prefill(Report& report, int32_t dtype, int64_t length, int64_t heads, int64_t d, bool causal,
             double bar) {
  const std::string name = std::string(name_of(dtype)) + " S=" + std::to_string(length) +
                           " H=" + std::to_string(heads) + " d=" + std::to_string(d) +
                           (causal ? " causal" : " full");
  if (!report.wanted(name)) return;
  const int64_t bytes = length * heads * d * size_of(dtype);
  Memory q(bytes), k(bytes), v(bytes), o(bytes);
  wl_attention_params p{};
  p.struct_size = sizeof p;
  p.flags = causal ? uint32_t{WL_ATTENTION_CAUSAL} : 0u;
  for (const auto& [memory, tensor] : {std::pair{&q, &p.q}, {&k, &p.k}, {&v, &p.v}, {&o, &p.o}}) {
    memory->fill(dtype);
    *tensor = dense(memory->data, dtype, {1, length, heads, d});
  }
  Product product(dtype);
  // Two products of d multiply-adds for each pair of a query and a key that it may attend.
  const auto pairs = static_cast<double>(causal ? length * (length + 1) / 2 : length * length);
  const double product_size = Product::kSize;
  report.compare(
      "GFLOP/s", bar,
      {name, 4 * pairs * static_cast<double>(d * heads), [&] { check(wl_attention(&p, nullptr)); }},
      {std::string(name_of(dtype)) + " product 1024^3", 2 * product_size * product_size * product_size,
       [&] { check(wl_gemm(&product.p, nullptr)); }});
}

// One new token: keys and values rotate through memory that no cache holds.
void decode(Report& report, int32_t dtype, int64_t keys, int64_t group) {
  constexpr int64_t kHeads = 8, kWidth = 128, kRotatedBytes = int64_t{512} << 20;
  const std::string name = std::string(name_of(dtype)) + " 1 row over " + std::to_string(keys) + " keys, " +
                           std::to_string(group * kHeads) + ":8 heads";
  if (!report.wanted(name)) return;
  const int64_t bytes = keys * kHeads * kWidth * size_of(dtype), count = kRotatedBytes / (2 * bytes);
  Memory cache(kRotatedBytes), q(group * kHeads * kWidth * 4), o(group * kHeads * kWidth * 4);
  cache.fill(dtype);
  q.fill(dtype);
  wl_attention_params p{};
  p.struct_size = sizeof p;
  p.q = dense(q.data, dtype, {1, 1, group * kHeads, kWidth});
  p.o = dense(o.data, dtype, {1, 1, group * kHeads, kWidth});
  const auto run = [&] {
    for (int64_t i = 0; i < count; ++i) {
      char* at = static_cast<char*>(cache.data) + i * 2 * bytes;
      p.k = dense(at, dtype, {1, keys, kHeads, kWidth});
      p.v = dense(at + bytes, dtype, {1, keys, kHeads, kWidth});
      check(wl_attention(&p, nullptr));
    }
  };
  report.compare("GB/s", 0, {name, static_cast<double>(2 * bytes * count), run},
                 wl::bench::dense_read(cache.data, kRotatedBytes));
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int32_t fp32 = WL_DTYPE_FLOAT32, bf16 = WL_DTYPE_BFLOAT16;
  Report report("attention", argc, argv);
  for (const bool causal : {true, false}) {
    prefill(report, fp32, 4096, 8, 64, causal, 0.60);
    prefill(report, bf16, 4096, 8, 64, causal, wl::bench::has_dot() ? 0.50 : 0);
  }
  prefill(report, fp32, 1024, 8, 128, true, 0);
  prefill(report, bf16, 1024, 8, 128, true, 0);
  for (const int64_t keys : {4096, 32768}) {
    for (const int64_t group : {1, 4}) {
      decode(report, fp32, keys, group);
      decode(report, bf16, keys, group);
    }
  }
  return report.finish();
}
