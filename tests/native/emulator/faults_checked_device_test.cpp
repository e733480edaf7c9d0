// Faults in the data of a kernel, put into its parameters between op and kernel: wrong masks, bounds, scales, rows that are
// swapped, blocks that store the same row. Each must show, by the comparison with the reference in double precision or as
// a finding: the checks are tested too.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "cuda/attention/forward.h"
#include "cuda/gemm/params.h"
#include "emulator/layer_ops.h"
#include "support/attention_case.h"
#include "support/gemm_case.h"

namespace wl::test {
namespace {

using Attention = cuda::AttentionCall<cuda::ModifiedScore>;  // the plain kernels have its first part alone
using cuda::product::GemmParams;

struct DataFaults : EmulatorTest {
  void expect_shown(const KernelCall& call, const char* name, const emu::LaunchFault& fault) {
    const Outcome right = run_call(call, {});
    ASSERT_FALSE(right.failed) << call.name << ": " << right.text;
    const Outcome wrong = run_call(call, {}, fault);
    EXPECT_TRUE(wrong.failed || wrong.bytes != right.bytes) << name << " does not show in " << call.name;
    ++faults;
  }
  int faults = 0;
};

KernelCall attention(const char* name, const AttentionSetup& setup) {
  const auto c = std::make_shared<AttentionCase>(setup);
  return {name, "", [c] {
            EXPECT_TRUE(c->run_and_check());
            return c->bytes();
          }};
}

AttentionSetup two_sequences() {
  AttentionSetup s;
  s.q_dtype = s.kv_dtype = s.o_dtype = WL_DTYPE_BFLOAT16;
  s.q_lengths = {70, 70};
  s.k_lengths = {150, 150};
  s.q_heads = 4;
  s.k_heads = 2;
  s.d_qk = s.d_v = 64;
  s.lse = true;
  return s;
}

// Row i becomes row rows - 1 - i.
void reverse(cuda::AttentionOperand& operand, int64_t rows) {
  operand.data = static_cast<uint16_t*>(operand.data) + (rows - 1) * operand.row_stride;
  operand.row_stride = -operand.row_stride;
}

TEST_F(DataFaults, OfAttention) {
  const AttentionSetup plain = two_sequences();
  AttentionSetup window = plain, modified = plain, sinks = plain;
  window.window = true;
  window.window_left = 20;
  window.window_right = 3;
  modified.softcap = 3;
  modified.alibi = true;
  modified.amplitude = 2;
  sinks.sinks = true;
  const KernelCall all = attention("attention", plain), windowed = attention("attention in a window", window),
                   scored = attention("attention with modified scores", modified),
                   sunk = attention("attention with sinks", sinks);
  const auto expect = [&](const KernelCall& call, const char* name, void (*fault)(Attention&)) {
    expect_shown(call, name, [fault](const char*, emu::GridShape&, void* parameters) {
      fault(*static_cast<Attention*>(parameters));
    });
  };
  expect(windowed, "a key less on the left", [](Attention& a) { --a.params.window_left; });
  expect(windowed, "a key more on the left", [](Attention& a) { ++a.params.window_left; });
  expect(windowed, "a key less on the right", [](Attention& a) { --a.params.window_right; });
  expect(windowed, "a key more on the right", [](Attention& a) { ++a.params.window_right; });
  expect(all, "without the last key", [](Attention& a) { --a.params.k_rows; });
  expect(all, "a key too many", [](Attention& a) { ++a.params.k_rows; });
  expect(all, "without the last query", [](Attention& a) { --a.params.q_rows; });
  expect(all, "a scale 2% too large", [](Attention& a) { a.params.multiplier *= 1.02f; });
  expect(all, "values in reverse", [](Attention& a) { reverse(a.params.v, a.params.k_rows); });
  expect(windowed, "keys in reverse", [](Attention& a) { reverse(a.params.k, a.params.k_rows); });
  expect(all, "heads that share keys by four", [](Attention& a) { a.params.group = 4; });
  expect(all, "values of the first sequence for all", [](Attention& a) { a.params.v.batch_stride = 0; });
  expect(all, "two heads that store one row", [](Attention& a) { a.params.o.head_stride = 0; });
  expect(all, "two sequences that store one row", [](Attention& a) { a.params.o.batch_stride = 0; });
  expect(all, "two heads that store one sum", [](Attention& a) { a.params.lse.head_stride = 0; });
  expect(sunk, "one sink for all heads", [](Attention& a) { a.params.sink_stride = 0; });
  expect(scored, "one slope for all heads", [](Attention& a) { a.score.slope_head_stride = 0; });
  expect(scored, "a softcap 2% too large", [](Attention& a) { a.score.softcap *= 1.02f; });
  EXPECT_EQ(faults, 18);
}

KernelCall product(const char* name, GemmShape shape, const GemmOptions& options) {
  const auto c = std::make_shared<GemmCase>(shape, options);
  return {name, "", [c] {
            c->run();
            EXPECT_TRUE(c->matches());
            return c->y.bytes();
          }};
}

TEST_F(DataFaults, OfProducts) {
  emu::HostSettings host;
  host.multiprocessors = 132;
  emu::configure_host(host);
  GemmOptions o;
  o.x_type = o.weight_type = o.y_type = o.bias_type = o.residual_type = WL_DTYPE_BFLOAT16;
  o.activation = WL_ACTIVATION_SILU;
  const KernelCall tiles = product("product by tiles", {40, 128, 200}, o),
                   rows = product("product by rows", {3, 32, 512}, o),
                   split = product("product in parts of k", {16, 64, 2048}, o);
  const auto expect = [&](const KernelCall& call, const char* name, void (*fault)(GemmParams&),
                          const char* kernel = "gemm.") {
    expect_shown(call, name, [fault, kernel](const char* launched, emu::GridShape&, void* parameters) {
      if (std::strncmp(launched, kernel, std::strlen(kernel)) == 0)
        fault(*static_cast<GemmParams*>(parameters));
    });
  };
  for (const KernelCall& call : {tiles, rows}) {
    expect(call, "without the last elements of k", [](GemmParams& p) { p.k -= 8; });
    expect(call, "without the last row", [](GemmParams& p) { --p.m; });
    expect(call, "the first row of x for all", [](GemmParams& p) { p.x.stride = 0; });
    expect(call, "rows of y in one place", [](GemmParams& p) { p.y.stride = 0; });
    expect(call, "no activation", [](GemmParams& p) { p.activation = WL_ACTIVATION_NONE; });
    expect(call, "no bias", [](GemmParams& p) { p.bias.data = nullptr; });
    expect(call, "one bias for all columns", [](GemmParams& p) { p.bias.stride = 0, p.bias.fours = false; });
    expect(call, "the first row of the residual for all", [](GemmParams& p) { p.residual.stride = 0; });
  }
  expect(
      split, "the last part left out", [](GemmParams& p) { --p.splits; }, "gemm.merge");
  expect(
      split, "a part a step too short", [](GemmParams& p) { p.split_k -= 64; }, "gemm.tiles");
  emu::configure_host({});
  EXPECT_EQ(faults, 18);
}

// Every op of the layer: without its last block, rows stay as they were.
TEST_F(DataFaults, OfGrids) {
  for (const KernelCall& call : layer_calls()) {
    bool several = false;
    const Outcome whole =
        run_call(call, {}, [&](const char*, emu::GridShape& shape, void*) { several = shape.grid.x > 1; });
    ASSERT_FALSE(whole.failed) << call.name << ": " << whole.text;
    if (!several) continue;
    expect_shown(call, "one block less", [](const char*, emu::GridShape& shape, void*) { --shape.grid.x; });
  }
  EXPECT_GE(faults, 10);
}

}  // namespace
}  // namespace wl::test
