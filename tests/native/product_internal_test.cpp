// The register-tile products under every instruction set: any m, n and k, edges, accumulation.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "cpu/product.h"
#include "support/tensors.h"
#include "support/tolerance.h"

namespace wl::test {
namespace {

using Doubles = std::vector<double>;

// B [k x n] in panels, as product.h describes them; elements of k a step: 1 in float32, 2 in bfloat16.
Buffer panels_of(const Doubles& b, int64_t k, int64_t n, int32_t dtype) {
  const int64_t group = dtype == WL_DTYPE_BFLOAT16 ? 2 : 1;
  const int64_t steps = (k + group - 1) / group;
  const int64_t count = (n + 15) / 16;
  Buffer panels = Buffer::floats(dtype, {count * steps * 16 * group},
                                 Doubles(static_cast<size_t>(count * steps * 16 * group), 0.0));
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      panels.set(((j / 16 * steps + i / group) * 16 + j % 16) * group + i % group,
                 b[static_cast<size_t>(i * n + j)]);
    }
  }
  return panels;
}

struct Case {
  int64_t m, n, k;
  int32_t dtype;
  bool accumulate;
};

constexpr int64_t kPadding = 3;  // of C's rows: must stay untouched

void run(const cpu::ProductKernels& kernels, const Buffer& a, int64_t lda, const Buffer& panels,
         int64_t panel_stride, Buffer& c, const Case& p) {
  auto* out = static_cast<float*>(c.view().data);
  const int64_t ldc = p.n + kPadding;
  if (p.dtype == WL_DTYPE_FLOAT32) {
    kernels.float32(static_cast<const float*>(a.view().data), lda,
                    static_cast<const float*>(panels.view().data), panel_stride, out, ldc, p.m, p.n, p.k,
                    p.accumulate);
  } else {
    kernels.bfloat16(static_cast<const uint16_t*>(a.view().data), lda,
                     static_cast<const uint16_t*>(panels.view().data), panel_stride, out, ldc, p.m, p.n, p.k,
                     p.accumulate);
  }
}

// Doubles that the element type holds exactly.
Doubles exact_normals(Random& random, int64_t count, int32_t dtype) {
  Doubles values = random.normals(count);
  for (double& value : values) value = round_to(dtype, value);
  return values;
}

void check(Isa isa, const Case& p) {
  SCOPED_TRACE(testing::Message() << isa_name(isa) << " " << dtype_name(p.dtype) << " m " << p.m << " n "
                                  << p.n << " k " << p.k << (p.accumulate ? " accumulating" : ""));
  Random random(static_cast<uint64_t>(p.m * 1009 + p.n * 31 + p.k));
  const int64_t lda = p.k + 5, ldc = p.n + kPadding;
  const Doubles a = exact_normals(random, p.m * p.k, p.dtype), b = exact_normals(random, p.k * p.n, p.dtype);
  const Doubles start = exact_normals(random, p.m * p.n, WL_DTYPE_FLOAT32);
  // A's padding is finite: an odd k reads one element of it.
  Buffer rows = Buffer::floats(p.dtype, {p.m * lda}, Doubles(static_cast<size_t>(p.m * lda), 1e6));
  Buffer c(WL_DTYPE_FLOAT32, {p.m * ldc});
  Doubles reference(start.size()), plain(start.size());
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t l = 0; l < p.k; ++l) rows.set(i * lda + l, a[static_cast<size_t>(i * p.k + l)]);
    for (int64_t j = 0; j < p.n; ++j) {
      const auto at = static_cast<size_t>(i * p.n + j);
      if (p.accumulate) c.set(i * ldc + j, start[at]);
      double sum = p.accumulate ? start[at] : 0;
      auto single = static_cast<float>(sum);
      for (int64_t l = 0; l < p.k; ++l) {
        const double x = a[static_cast<size_t>(i * p.k + l)], y = b[static_cast<size_t>(l * p.n + j)];
        sum += x * y;
        single += static_cast<float>(x) * static_cast<float>(y);
      }
      reference[at] = sum;
      plain[at] = single;
    }
  }
  const Buffer panels = panels_of(b, p.k, p.n, p.dtype);
  const int64_t group = p.dtype == WL_DTYPE_BFLOAT16 ? 2 : 1;
  run(cpu::product_kernels(isa), rows, lda, panels, (p.k + group - 1) / group * group * 16, c, p);

  Doubles got(start.size());
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; ++j) got[static_cast<size_t>(i * p.n + j)] = c.get(i * ldc + j);
    for (int64_t j = p.n; j < ldc; ++j) EXPECT_TRUE(std::isnan(c.get(i * ldc + j))) << "written past n";
  }
  EXPECT_TRUE(c.guards_intact());
  EXPECT_TRUE(within_tolerance(got, reference, plain, p.n, WL_DTYPE_FLOAT32));
}

std::vector<Isa> instruction_set_values() {
  std::vector<Isa> sets;
  for (int isa = 0; isa <= static_cast<int>(machine_isa()); ++isa) sets.push_back(static_cast<Isa>(isa));
  return sets;
}

TEST(Product, EveryTileHeightAndWidth) {
  for (const Isa isa : instruction_set_values()) {
    for (const int32_t dtype : {WL_DTYPE_FLOAT32, WL_DTYPE_BFLOAT16}) {
      if (dtype == WL_DTYPE_BFLOAT16 && cpu::product_kernels(isa).bfloat16 == nullptr) continue;
      for (int64_t m = 1; m <= 30; ++m) {
        for (const int64_t n : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 49})
          check(isa, {m, n, 11 + m % 2, dtype, n % 2 == 0});
      }
    }
  }
}

TEST(Product, EveryDepth) {
  for (const Isa isa : instruction_set_values()) {
    for (const int32_t dtype : {WL_DTYPE_FLOAT32, WL_DTYPE_BFLOAT16}) {
      if (dtype == WL_DTYPE_BFLOAT16 && cpu::product_kernels(isa).bfloat16 == nullptr) continue;
      for (const int64_t k : {0, 1, 2, 3, 4, 5, 16, 17, 64, 255, 1000}) {
        for (const bool accumulate : {false, true}) check(isa, {17, 40, k, dtype, accumulate});
      }
    }
  }
}

// One order over k: a row's bits are the same in a tile of any height, and when k is cut in two.
TEST(Product, BitsDependOnTheRowAndColumnOnly) {
  constexpr int64_t m = 29, n = 45, k = 70, cut = 26;
  for (const Isa isa : instruction_set_values()) {
    const cpu::ProductKernels& kernels = cpu::product_kernels(isa);
    Random random(7);
    const Buffer a = Buffer::floats(WL_DTYPE_FLOAT32, {m, k}, random.normals(m * k));
    const Buffer panels = panels_of(exact_normals(random, k * n, WL_DTYPE_FLOAT32), k, n, WL_DTYPE_FLOAT32);
    const auto* rows = static_cast<const float*>(a.view().data);
    const auto* b = static_cast<const float*>(panels.view().data);
    std::vector<float> whole(m * n), single(m * n), parts(m * n);
    kernels.float32(rows, k, b, k * 16, whole.data(), n, m, n, k, false);
    for (int64_t i = 0; i < m; ++i)
      kernels.float32(rows + i * k, k, b, k * 16, single.data() + i * n, n, 1, n, k, false);
    kernels.float32(rows, k, b, k * 16, parts.data(), n, m, n, cut, false);
    kernels.float32(rows + cut, k, b + cut * 16, k * 16, parts.data(), n, m, n, k - cut, true);
    EXPECT_EQ(whole, single) << isa_name(isa);
    EXPECT_EQ(whole, parts) << isa_name(isa);
  }
}

}  // namespace
}  // namespace wl::test
