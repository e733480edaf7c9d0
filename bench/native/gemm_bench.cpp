// Products against the limits of the machine: 1024^3 against register-only arithmetic, few rows with weights that
// rotate through 512 MiB against dense reading of the same memory.
#include <warpline/gemm.h>

#include <memory>
#include <string>
#include <vector>

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
using wl::bench::Task;

constexpr int64_t kRotatedBytes = int64_t{512} << 20;

// One product of m rows with each of `count` weights [n, k] that follow each other in memory.
struct Products {
  Products(int64_t m, int64_t n, int64_t k, int32_t x_dtype, int32_t weight_dtype, void* weights,
           int64_t weight_count)
      : x(m * k * size_of(x_dtype)), y(m * n * 4), count(weight_count) {
    x.fill(x_dtype);
    p.struct_size = sizeof p;
    p.x = dense(x.data, x_dtype, {m, k});
    p.y = dense(y.data, WL_DTYPE_FLOAT32, {m, n});
    p.weight = dense(weights, weight_dtype, {n, k});
    at.struct_size = sizeof at;
    stride = n * k * size_of(weight_dtype);
  }

  void pack() {
    uint64_t bytes = 0;
    check(wl_gemm_pack_size(&p.weight, &bytes));
    stride = (static_cast<int64_t>(bytes) + 63) / 64 * 64;
    packed = std::make_unique<Memory>(stride * count);
    wl_tensor weight = p.weight;
    for (int64_t i = 0; i < count; ++i) {
      check(wl_gemm_pack(&weight, static_cast<char*>(packed->data) + i * stride, bytes));
      weight.data =
          static_cast<char*>(weight.data) + weight.shape[0] * weight.shape[1] * size_of(weight.dtype);
    }
    p.weight = {};
    p.packed = packed->data;
    p.packed_bytes = bytes;
  }

  void run() {
    wl_gemm_params call = p;
    for (int64_t i = 0; i < count; ++i) {
      if (call.packed != nullptr) call.packed = static_cast<const char*>(p.packed) + i * stride;
      if (call.packed == nullptr) call.weight.data = static_cast<char*>(p.weight.data) + i * stride;
      check(wl_gemm(&call, &at));
    }
  }

  Memory x, y;
  std::unique_ptr<Memory> packed;
  wl_gemm_params p{};
  wl_launch at{};
  int64_t count, stride = 0;
};

void many_rows(Report& report, int32_t dtype, int64_t m, int64_t n, int64_t k, bool packed, double bar) {
  const std::string shape = m == n && n == k
                                ? std::to_string(m) + "^3"
                                : std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
  const std::string name = std::string(name_of(dtype)) + " " + shape + (packed ? " packed" : "");
  if (!report.wanted(name)) return;
  Memory weights(n * k * size_of(dtype));
  weights.fill(dtype);
  Products products(m, n, k, dtype, dtype, weights.data, 1);
  if (packed) products.pack();
  const bool dot = dtype == WL_DTYPE_BFLOAT16 && wl::bench::has_dot();
  report.compare("GFLOP/s", bar, {name, 2.0 * m * n * k, [&] { products.run(); }},
                 dot ? wl::bench::dot_loop() : wl::bench::fma_loop());
}

struct FewRows {
  int64_t m;
  int32_t x_dtype, weight_dtype;
  bool packed, batch_invariant;
  double bar;
};

void few_rows(Report& report, const FewRows& f) {
  constexpr int64_t n = 4096, k = 4096;
  std::string name = std::to_string(f.m) + (f.m == 1 ? " row " : " rows ") + name_of(f.weight_dtype);
  if (f.x_dtype != f.weight_dtype) name += std::string(" by ") + name_of(f.x_dtype) + " x";
  if (f.packed) name += " packed";
  if (f.batch_invariant) name += " batch-invariant";
  if (!report.wanted(name)) return;
  const int64_t weight_bytes = n * k * size_of(f.weight_dtype);
  auto weights = std::make_unique<Memory>(kRotatedBytes);
  weights->fill(f.weight_dtype);
  Products products(f.m, n, k, f.x_dtype, f.weight_dtype, weights->data, kRotatedBytes / weight_bytes);
  if (f.packed) {
    products.pack();
    weights.reset();
  }
  if (f.batch_invariant) products.at.flags = WL_FLAG_BATCH_INVARIANT;
  const void* read = f.packed ? products.packed->data : weights->data;
  report.compare("GB/s", f.bar, {name, static_cast<double>(kRotatedBytes), [&] { products.run(); }},
                 wl::bench::dense_read(read, kRotatedBytes));
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int32_t fp32 = WL_DTYPE_FLOAT32, bf16 = WL_DTYPE_BFLOAT16;
  Report report("gemm", argc, argv);
  many_rows(report, fp32, 1024, 1024, 1024, false, 0.80);
  many_rows(report, bf16, 1024, 1024, 1024, false, wl::bench::has_dot() ? 0.75 : 0);
  many_rows(report, fp32, 1024, 1024, 1024, true, 0);
  many_rows(report, bf16, 1024, 1024, 1024, true, 0);
  many_rows(report, fp32, 32, 4096, 4096, false, 0);
  many_rows(report, bf16, 32, 4096, 4096, false, 0);
  many_rows(report, fp32, 512, 256, 688, false, 0);
  many_rows(report, bf16, 512, 256, 688, false, 0);
  few_rows(report, {1, fp32, fp32, false, false, 0.85});
  few_rows(report, {1, bf16, bf16, false, false, 0.85});
  few_rows(report, {1, fp32, bf16, false, false, 0});
  few_rows(report, {1, fp32, fp32, true, false, 0});
  few_rows(report, {1, bf16, bf16, true, false, 0});
  few_rows(report, {1, fp32, fp32, false, true, 0});
  few_rows(report, {1, bf16, bf16, false, true, 0});
  few_rows(report, {8, fp32, fp32, false, false, 0});
  few_rows(report, {8, bf16, bf16, false, false, 0});
  return report.finish();
}
