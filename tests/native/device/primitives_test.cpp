// Each function of cuda/ptx against what the PTX manual says it gives, bit for bit on small integers and within the manual's
// bound where it approximates: on the emulator, and from the same source on a GPU (skipped where there is none).
#include "device/primitives.h"

#include <gtest/gtest.h>
#include <warpline/device.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "core/launch.h"
#include "cuda/runtime/device.h"
#include "cuda/runtime/launch.h"
#include "cuda/runtime/memory.h"
#include "cuda/runtime/stream.h"

namespace wl::test {
namespace {

using Words = std::vector<uint32_t>;

uint32_t bits(float x) { return __builtin_bit_cast(uint32_t, x); }
float number(uint32_t x) { return __builtin_bit_cast(float, x); }

struct Primitives : ::testing::Test {
  void SetUp() override {
#if defined(WL_EMULATED)
    emu::HostSettings host;
    host.major = 9;
    emu::configure_host(host);
    emu::clear_report();
#endif
    if (cuda::device_count() == 0) GTEST_SKIP() << "no GPU here that this program has code for";
  }
#if defined(WL_EMULATED)
  void TearDown() override {
    for (size_t i = 0; i < emu::finding_count(); ++i) ADD_FAILURE() << emu::finding(i).text;
    emu::configure_host({});
  }
#endif
  static bool hopper() { return cuda::compute_capability(0) >= 90; }
};

// `size` words of output, zero before the kernel runs.
Words run(const Primitive& kernel, const Words& in, size_t size, uint32_t threads, cuda::GridSize grid = {}) {
  const cuda::DeviceScope scope(0);
  Launch at;
  at.device_kind = WL_DEVICE_CUDA;
  const uint64_t in_bytes = (in.size() + 1) * 4, out_bytes = size * 4;
  auto* input = static_cast<uint32_t*>(cuda::allocate(in_bytes, at));
  auto* output = static_cast<uint32_t*>(cuda::allocate(out_bytes, at));
  cuda::fill(input, 0, in_bytes, at);
  if (!in.empty()) cuda::copy(input, in.data(), in.size() * 4, WL_COPY_TO_DEVICE, at);
  cuda::fill(output, 0, out_bytes, at);
  cuda::launch(kernel, {.grid = grid, .threads = threads, .shared_bytes = kPrimitiveSharedBytes}, at,
               PrimitiveParams{{input}, {output}});
  Words out(size);
  cuda::copy(out.data(), output, out_bytes, WL_COPY_TO_HOST, at);
  cuda::stream_synchronize(at);
  cuda::release(input, at);
  cuda::release(output, at);
  return out;
}

// word(i, t) of each thread, as the kernels lay words out.
template <class Word>
Words words(uint32_t count, uint32_t threads, Word word) {
  Words w;
  for (uint32_t i = 0; i < count; ++i) {
    for (uint32_t t = 0; t < threads; ++t) w.push_back(word(i, t));
  }
  return w;
}

TEST_F(Primitives, SpecialRegisters) {
  const Words out = run(kSpecial, {}, 12 * 64, 32, {2, 3, 2});
  for (uint32_t block = 0; block < 12; ++block) {
    for (uint32_t t = 0; t < 32; ++t) {
      EXPECT_EQ(out[(block * 32 + t) * 2], block * 1000 + t);
      EXPECT_EQ(out[(block * 32 + t) * 2 + 1], 2000 + t);
    }
  }
}

TEST_F(Primitives, Conversions) {
  struct Case {
    float x;
    uint32_t bfloat16, float16, tf32;
  };
  const Case cases[] = {
      {0.0f, 0, 0, 0},
      {-0.0f, 0x8000, 0x8000, 0x80000000},
      {1.0f, 0x3f80, 0x3c00, 0x3f800000},
      {-2.5f, 0xc020, 0xc100, 0xc0200000},
      {1 + 0x1p-8f, 0x3f80, 0x3c04, 0x3f808000},      // a tie of bfloat16: to even
      {1 + 3 * 0x1p-8f, 0x3f82, 0x3c0c, 0x3f818000},  // a tie: up to even
      {1 + 0x1p-11f, 0x3f80, 0x3c00, 0x3f802000},     // a tie of float16: to even; of tf32: away from zero
      {-1 - 0x1p-11f, 0xbf80, 0xbc00, 0xbf802000},
      {65504.0f, 0x4780, 0x7bff, 0x477fe000},
      {65520.0f, 0x4780, 0x7c00, 0x47800000},  // past float16: infinity
      {0x1p-24f, 0x3380, 0x0001, 0x33800000},  // float16's least
      {0x1p-25f, 0x3300, 0x0000, 0x33000000},  // half of it: to even
      {0x1.8p-25f, 0x3340, 0x0001, 0x33400000},
      {INFINITY, 0x7f80, 0x7c00, 0x7f800000},
      {-INFINITY, 0xff80, 0xfc00, 0xff800000},
      {NAN, 0x7fff, 0x7fff, 0x7fffffff},
  };
  constexpr uint32_t kCases = sizeof cases / sizeof cases[0];
  const auto at = [&](uint32_t t) -> const Case& { return cases[t % kCases]; };
  // Two are packed with the first in the lower half.
  const Words in = words(3, 32, [&](uint32_t i, uint32_t t) {
    if (i == 2) return at(t).float16;
    return bits(at(t + i * 3).x);
  });
  const Words expected = words(5, 32, [&](uint32_t i, uint32_t t) {
    const Case &a = at(t), &b = at(t + 3);
    const uint32_t results[] = {a.bfloat16, a.float16, a.tf32, a.bfloat16 | b.bfloat16 << 16,
                                a.float16 | b.float16 << 16};
    return results[i];
  });
  const Words out = run(kConversions, in, 7 * 32, 32);
  for (uint32_t i = 0; i < 5 * 32; ++i) {
    // The manual leaves the payload of a tf32 NaN open.
    if (i / 32 == 2 && std::isnan(at(i % 32).x)) {
      EXPECT_TRUE(std::isnan(number(out[i])));
      continue;
    }
    EXPECT_EQ(out[i], expected[i]) << "result " << i / 32 << " of " << at(i % 32).x;
  }
  for (uint32_t t = 0; t < 32; ++t) {
    const uint32_t half = at(t).float16;
    EXPECT_EQ(out[5 * 32 + t], half << 16);
    const double magnitude = (half & 0x7c00) == 0
                                 ? std::ldexp(half & 0x3ff, -24)
                                 : std::ldexp(0x400 | (half & 0x3ff), static_cast<int>(half >> 10 & 31) - 25);
    if ((half & 0x7c00) == 0x7c00) {
      EXPECT_EQ(std::isnan(number(out[6 * 32 + t])), (half & 0x3ff) != 0);
      EXPECT_EQ(std::isinf(number(out[6 * 32 + t])), (half & 0x3ff) == 0);
    } else {
      EXPECT_EQ(number(out[6 * 32 + t]), half & 0x8000 ? -magnitude : magnitude);
    }
  }
}

TEST_F(Primitives, Arithmetic) {
  const auto a = [](uint32_t t) { return static_cast<float>(t) - 7; };
  const auto b = [](uint32_t t) { return static_cast<float>(t % 5 + 1); };
  const auto c = [](uint32_t t) { return static_cast<float>(t * t); };
  // The product's lowest bit survives a fused addition only; NaN loses.
  const uint32_t special[] = {bits(1 + 0x1p-12f), bits(1 + 0x1p-12f), bits(-1 - 0x1p-11f)};
  const Words in = words(6, 32, [&](uint32_t i, uint32_t t) -> uint32_t {
    if (t == 31 && i < 3) return special[i];
    if (t == 30 && i == 0) return bits(NAN);
    if (i < 3) return bits(i == 0 ? a(t) : i == 1 ? b(t) : c(t));
    return i == 3 ? 0x80c1d2e3u + t : i == 4 ? 0x04152637u : t == 0 ? 0x7531u : t == 1 ? 0xc8bfu : 0x3210u;
  });
  const Words out = run(kArithmetic, in, 8 * 32, 32);
  EXPECT_EQ(number(out[31]), 0x1p-24f);
  EXPECT_EQ(number(out[2 * 32 + 30]), b(30));
  EXPECT_EQ(number(out[3 * 32 + 30]), b(30));
  for (uint32_t t = 0; t < 30; ++t) {
    EXPECT_EQ(number(out[t]), a(t) * b(t) + c(t));
    EXPECT_EQ(number(out[32 + t]), t < 7 ? -a(t) : a(t));
    EXPECT_EQ(number(out[64 + t]), a(t) < b(t) ? a(t) : b(t));
    EXPECT_EQ(number(out[96 + t]), a(t) < b(t) ? b(t) : a(t));
    EXPECT_EQ(number(out[128 + t]), static_cast<float>(static_cast<double>(a(t)) / b(t)));
    EXPECT_EQ(number(out[160 + t]), static_cast<float>(t));
  }
  // Bytes 0 to 3 are the first operand's, 4 to 7 the second's; with 8 a selector spreads the sign.
  EXPECT_EQ(out[6 * 32], 0x042680d2u);
  EXPECT_EQ(out[6 * 32 + 1], 0x00ffff00u);
  EXPECT_EQ(out[6 * 32 + 2], 0x80c1d2e5u);
  EXPECT_EQ(out[7 * 32], 13u);  // 1, 3, 4 and 5 bits of 80, c1, d2 and e3
}

TEST_F(Primitives, ApproximationsWithinTheManualsBounds) {
  const auto x = [](uint32_t t) { return (static_cast<float>(t) - 15.5f) * 0.37f; };
  const Words in = words(1, 32, [&](uint32_t, uint32_t t) { return bits(x(t)); });
  const Words out = run(kApproximations, in, 5 * 32, 32);
  for (uint32_t t = 0; t < 32; ++t) {
    const double v = x(t), positive = std::fabs(v), logarithm = std::log2(positive);
    const auto near = [&](uint32_t i, double expected, double error) {
      EXPECT_NEAR(number(out[i * 32 + t]), expected, error * (1 + 0x1p-20)) << "result " << i << " of " << v;
    };
    near(0, std::exp2(v), 0x1p-22 * std::exp2(v));
    near(1, logarithm, positive >= 0.5 && positive <= 2 ? 0x1p-22 : 0x1p-22 * std::fabs(logarithm));
    near(2, 1 / v, 0x1p-23 * std::fabs(1 / v));
    near(3, 1 / std::sqrt(positive), std::exp2(-22.9) / std::sqrt(positive));
    near(4, std::tanh(v), 0x1p-11 * std::fabs(std::tanh(v)));
  }
}

uint32_t pattern(uint32_t word) {
  uint32_t x = 0;
  for (uint32_t byte = 0; byte < 4; ++byte) x |= ((word * 4 + byte) * 7 & 0xff) << (8 * byte);
  return x;
}
Words patterns(uint32_t count) {
  return words(1, count, [](uint32_t, uint32_t t) { return pattern(t); });
}

TEST_F(Primitives, Loads) {
  EXPECT_EQ(run(kLoads, patterns(128), 26 * 32, 32), words(26, 32, [](uint32_t i, uint32_t t) {
              if (i < 2) return pattern(t / 2) >> (16 * (t % 2)) & 0xffff;
              if (i < 4 || i >= 24) return pattern(t);
              return i < 8 ? pattern(2 * t + i % 2) : pattern(4 * t + i % 4);
            }));
}

TEST_F(Primitives, Stores) {
  EXPECT_EQ(run(kStores, {}, 272, 32), words(1, 272, [](uint32_t, uint32_t i) {
              if (i < 16) return 2 * i * 257 | (2 * i + 1) * 257 << 16;
              if (i < 48) return (i - 16) * 3;
              if (i < 112) return (i - 48) / 2 + (i % 2) * 100;
              if (i < 240) return (i - 112) / 4 + i % 4;
              return (i - 240) * 5;
            }));
}

TEST_F(Primitives, OrderedAccesses) {
  EXPECT_EQ(run(kOrdered, {}, 6, 32, {2}), (Words{1, 1, 1234, 5678, 1234, 5678}));
}

TEST_F(Primitives, Atomics) {
  const Words out = run(kAtomics, {}, 8 + 3 * 64, 32, {2});
  EXPECT_EQ(out[0], 64u);
  EXPECT_EQ(out[1], 64u);
  EXPECT_EQ(number(out[2]), 64.0f);
  EXPECT_EQ(out[3], 630u);
  EXPECT_LT(out[4], 64u);
  EXPECT_EQ(out[5], out[4]);
  EXPECT_GE(out[6], 1u);
  EXPECT_LE(out[6], 64u);
  EXPECT_EQ(out[7], 1u);
  for (size_t i = 8; i < out.size(); ++i) EXPECT_EQ(out[i], 1u) << i;
}

TEST_F(Primitives, SharedMemory) {
  EXPECT_EQ(run(kShared, {}, 9 * 32, 32), words(9, 32, [](uint32_t i, uint32_t t) {
              const uint32_t o = 31 - t, results[] = {o + 1, o + 100, o, o * 2, o, o * 3, o * 5, o * 7, 506};
              return results[i];
            }));
}

TEST_F(Primitives, Shuffles) {
  EXPECT_EQ(run(kShuffles, {}, 5 * 32, 32), words(5, 32, [](uint32_t i, uint32_t t) {
              const uint32_t results[] = {((t * 5 + 3) % 32) * 11, (t ^ 9) * 11, (t < 3 ? t : t - 3) * 11,
                                          (t > 26 ? t : t + 5) * 11, bits(static_cast<float>(t ^ 16))};
              return results[i];
            }));
}

TEST_F(Primitives, Votes) {
  const uint32_t results[] = {0x49249249, 1, 0, 1, 0};
  EXPECT_EQ(run(kVotes, {}, 5 * 32, 32), words(5, 32, [&](uint32_t i, uint32_t) { return results[i]; }));
}

TEST_F(Primitives, Barriers) {
  EXPECT_EQ(run(kBarriers, {}, 64, 64), words(1, 64, [](uint32_t, uint32_t t) {
              const uint32_t from = 63 - (t ^ 1);
              return from < 32 ? from * 9 : (from - 32) * 9 + 1;
            }));
}

TEST_F(Primitives, AsynchronousCopies) {
  EXPECT_EQ(run(kCopies, patterns(160), 5 * 32, 32), words(5, 32, [](uint32_t i, uint32_t t) {
              return t % 4 == 1 ? 0 : i < 4 ? pattern(4 * t + i) : pattern(128 + t);
            }));
}

// Two elements in a word, the first in the lower half.
uint32_t pair(uint32_t low, uint32_t high) { return low | high << 16; }

TEST_F(Primitives, MatrixLoads) {
  EXPECT_EQ(run(kMatrixLoads, {}, 8 * 32, 32), words(8, 32, [](uint32_t i, uint32_t t) {
              const uint32_t m = i % 4 * 64, g = t / 4, c = t % 4 * 2;
              return i < 4 ? pair(m + g * 8 + c, m + g * 8 + c + 1)
                           : pair(m + c * 8 + g, m + (c + 1) * 8 + g);
            }));
}

TEST_F(Primitives, MatrixStores) {
  if (!hopper()) GTEST_SKIP() << "needs compute capability 9.0";
  EXPECT_EQ(run(kMatrixStores, {}, 8 * 32, 32), words(8, 32, [](uint32_t i, uint32_t t) {
              const uint32_t m = t / 8 * 64, r = t % 8, c = i % 4 * 2;
              return i < 4 ? pair(t * 8 + c, t * 8 + c + 1) : pair(m + c * 8 + r, m + (c + 1) * 8 + r);
            }));
}

// Small integers: every order of the additions gives them exactly. Element (row, k) of A, (k, column) of B, (row, column)
// of C.
int a_at(int row, int k) { return (row * 5 + k * 3) % 11 - 5; }
int b_at(int k, int column) { return (k * 7 + column * 2) % 9 - 4; }
int c_at(int row, int column) { return row * 8 + column - 60; }

// `depth` of k; `width` elements in a register, `bits` wide, as `encode` makes them.
template <class Encode, class EncodeSum>
void expect_product(const Primitive& kernel, int depth, int width, Encode encode, EncodeSum sum) {
  const auto pack = [&](auto element) {
    uint32_t x = 0;
    for (int e = 0; e < width; ++e) x |= static_cast<uint32_t>(encode(element(e))) << (32 / width * e);
    return x;
  };
  const auto row = [](uint32_t t, uint32_t i) { return static_cast<int>(t / 4 + i % 2 * 8); };
  const auto sum_row = [](uint32_t t, uint32_t i) { return static_cast<int>(t / 4 + i / 2 * 8); };
  const auto sum_column = [](uint32_t t, uint32_t i) { return static_cast<int>(t % 4 * 2 + i % 2); };
  const Words in = words(10, 32, [&](uint32_t i, uint32_t t) {
    const int first = static_cast<int>(t % 4) * width;
    if (i < 4) {
      return pack([&](int e) { return a_at(row(t, i), first + e + static_cast<int>(i / 2) * depth / 2); });
    }
    if (i < 6) {
      return pack([&](int e) {
        return b_at(first + e + static_cast<int>(i - 4) * depth / 2, static_cast<int>(t / 4));
      });
    }
    return sum(c_at(sum_row(t, i - 6), sum_column(t, i - 6)));
  });
  EXPECT_EQ(run(kernel, in, 4 * 32, 32), words(4, 32, [&](uint32_t i, uint32_t t) {
              int total = c_at(sum_row(t, i), sum_column(t, i));
              for (int k = 0; k < depth; ++k) total += a_at(sum_row(t, i), k) * b_at(k, sum_column(t, i));
              return sum(total);
            }));
}

uint32_t float_sum(int x) { return bits(static_cast<float>(x)); }
// Integers below 16: their low bits are zero in every type.
uint32_t float16_of(int x) {
  const uint32_t single = bits(static_cast<float>(x));
  return x == 0 ? 0 : (single >> 16 & 0x8000) | ((single >> 23 & 0xff) - 112) << 10 | (single >> 13 & 0x3ff);
}

TEST_F(Primitives, Products) {
  expect_product(
      kProductBFloat16, 16, 2, [](int x) { return bits(static_cast<float>(x)) >> 16; }, float_sum);
  expect_product(kProductFloat16, 16, 2, float16_of, float_sum);
  expect_product(
      kProductTf32, 8, 1, [](int x) { return bits(static_cast<float>(x)); }, float_sum);
  expect_product(
      kProductInt8, 32, 4, [](int x) { return static_cast<uint8_t>(x); },
      [](int x) { return static_cast<uint32_t>(x); });
}

TEST_F(Primitives, BarriersInSharedMemory) {
  if (!hopper()) GTEST_SKIP() << "needs compute capability 9.0";
  EXPECT_EQ(run(kTransactions, {}, 64, 64), words(1, 64, [](uint32_t, uint32_t t) {
              const uint32_t from = 63 - t;
              return from < 32 ? from * 13 : (from - 32) * 13 + 1;
            }));
}

TEST_F(Primitives, DependentLaunch) {
  EXPECT_EQ(run(kDependents, {}, 32, 32), words(1, 32, [](uint32_t, uint32_t t) { return t + 1; }));
}

std::string text_of(const std::string& path) {
  std::ifstream file(WARPLINE_SOURCE_DIR "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

// Every function of cuda/ptx turns up in the kernels here, but for those of tma.h and wgmma.h, which emulator/wgmma_test
// proves.
TEST(PrimitivesCoverage, EveryFunctionIsRun) {
  const std::string kernels = text_of("tests/native/device/primitives.cu");
  size_t functions = 0;
  for (const std::string header :
       {"async", "convert", "global", "math", "matrix", "mbarrier", "shared", "special", "sync"}) {
    const std::string text = text_of("native/src/cuda/ptx/" + header + ".h");
    static const std::regex definition(R"((?:WL_LOAD\((\w+),)|(?:WL_DEVICE (?:\w+) (\w+)\())");
    for (std::sregex_iterator i(text.begin(), text.end(), definition), end; i != end; ++i) {
      const std::string name = (*i)[1].matched ? (*i)[1] : (*i)[2];
      if (name == "name" || name == "mma_float") continue;  // the macro's own, and a part of others
      ++functions;
      EXPECT_TRUE(std::regex_search(kernels, std::regex("ptx::" + name + "\\b"))) << name;
    }
  }
  EXPECT_GT(functions, 100u);
}

}  // namespace
}  // namespace wl::test
