// samples/cuda/custom_score.cu on the emulated device against its formula in double precision, and how long its modifier is.
#include "cuda/custom_score.h"

#include <gtest/gtest.h>
#include <warpline/device.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "emulator/grid.h"
#include "support/tensors.h"

namespace wl::test {
namespace {

wl_launch on_device() {
  wl_launch launch{};
  launch.struct_size = sizeof launch;
  launch.device_kind = WL_DEVICE_CUDA;
  return launch;
}

// A tensor's bytes on the device.
class DeviceCopy {
 public:
  explicit DeviceCopy(const Buffer& host) : view(host.view()), bytes_(host.bytes()) {
    EXPECT_EQ(wl_device_alloc(bytes_.size(), &at_, &view.data), WL_STATUS_OK) << wl_last_error();
    EXPECT_EQ(wl_copy(view.data, bytes_.data(), bytes_.size(), WL_COPY_TO_DEVICE, &at_), WL_STATUS_OK);
    EXPECT_EQ(wl_stream_synchronize(&at_), WL_STATUS_OK);
  }
  ~DeviceCopy() { EXPECT_EQ(wl_device_free(view.data, &at_), WL_STATUS_OK); }
  DeviceCopy(const DeviceCopy&) = delete;
  DeviceCopy& operator=(const DeviceCopy&) = delete;

  double at(int64_t i) {
    EXPECT_EQ(wl_copy(bytes_.data(), view.data, bytes_.size(), WL_COPY_TO_HOST, &at_), WL_STATUS_OK);
    EXPECT_EQ(wl_stream_synchronize(&at_), WL_STATUS_OK) << wl_last_error();
    return value_at(view.dtype, bytes_.data(), i);
  }

  wl_tensor view;

 private:
  const wl_launch at_ = on_device();
  std::vector<unsigned char> bytes_;
};

struct Shape {
  int64_t queries, keys, heads, key_heads, d;
  int32_t distances;
  bool causal;
};

class CustomScore : public EmulatorTest, public testing::WithParamInterface<Shape> {};

constexpr float kScale = 0.3f;

struct Inputs {
  explicit Inputs(const Shape& shape)
      : s(shape),
        q(Buffer::floats(WL_DTYPE_BFLOAT16, {1, s.queries, s.heads, s.d}, random(s.queries * s.heads * s.d))),
        k(Buffer::floats(WL_DTYPE_BFLOAT16, {1, s.keys, s.key_heads, s.d},
                         random(s.keys * s.key_heads * s.d))),
        v(Buffer::floats(WL_DTYPE_BFLOAT16, {1, s.keys, s.key_heads, s.d},
                         random(s.keys * s.key_heads * s.d))),
        bias(Buffer::floats(WL_DTYPE_FLOAT32, {s.heads, s.distances}, random(s.heads * s.distances))) {}
  std::vector<double> random(int64_t count) { return source.normals(count); }

  const Shape s;
  Random source{11};
  Buffer q, k, v, bias;
};

struct Expected {
  double o;
  double magnitude;  // of the sum that gives o
};

// o of one element; `shift` moves the distances of the bias.
Expected expected(const Inputs& in, int64_t query, int64_t head, int64_t column, int64_t shift = 0) {
  const Shape& s = in.s;
  const int64_t key_head = head / (s.heads / s.key_heads), position = query + s.keys - s.queries;
  const int64_t end = s.causal ? std::min(s.keys, position + 1) : s.keys;
  double sum = 0, o = 0, magnitude = 0;
  for (int64_t key = 0; key < end; ++key) {
    double dot = 0;
    for (int64_t i = 0; i < s.d; ++i)
      dot +=
          in.q.get((query * s.heads + head) * s.d + i) * in.k.get((key * s.key_heads + key_head) * s.d + i);
    const int64_t distance = std::min<int64_t>(std::abs(position - key) + shift, s.distances - 1);
    const double p = std::exp(static_cast<double>(kScale) * dot + in.bias.get(head * s.distances + distance));
    const double value = in.v.get((key * s.key_heads + key_head) * s.d + column);
    sum += p;
    o += p * value;
    magnitude += p * std::fabs(value);
  }
  return {o / sum, magnitude / sum};
}

TEST_P(CustomScore, EqualsItsFormula) {
  const Shape s = GetParam();
  const Inputs in(s);
  Buffer poisoned(WL_DTYPE_BFLOAT16, {1, s.queries, s.heads, s.d});
  poisoned.poison();
  DeviceCopy q(in.q), k(in.k), v(in.v), bias(in.bias), o(poisoned);
  wl_attention_params p{};
  p.struct_size = sizeof p;
  p.flags = s.causal ? WL_ATTENTION_CAUSAL : 0;
  p.q = q.view, p.k = k.view, p.v = v.view, p.o = o.view;
  const wl_launch at = on_device();
  ASSERT_EQ(
      attention_with_relative_bias(&p, kScale, static_cast<const float*>(bias.view.data), s.distances, &at),
      WL_STATUS_OK)
      << wl_last_error();
  const std::string kernel = wl_last_kernel();
  EXPECT_TRUE(kernel.ends_with(".relative_bias")) << kernel;
  double worst = 0, worst_shifted = 0;  // errors in units of what is allowed
  for (int64_t query = 0; query < s.queries; query += 1 + s.queries / 9) {
    for (int64_t head = 0; head < s.heads; ++head) {
      for (int64_t column = 0; column < s.d; column += 13) {
        const double got = o.at((query * s.heads + head) * s.d + column);
        // Probabilities and o are rounded to 8 bits.
        const Expected e = expected(in, query, head, column);
        const double allowed = std::ldexp(e.magnitude, -9) + std::ldexp(std::fabs(e.o), -9) + 1e-5;
        ASSERT_TRUE(std::isfinite(got));
        worst = std::max(worst, std::fabs(got - e.o) / allowed);
        const double shifted = expected(in, query, head, column, 1).o;
        worst_shifted = std::max(worst_shifted, std::fabs(got - shifted) / allowed);
      }
    }
  }
  EXPECT_LE(worst, 1);
  EXPECT_GT(worst_shifted, 10) << "a bias of the wrong distance goes unnoticed";
  EXPECT_EQ(findings(), "");
}

INSTANTIATE_TEST_SUITE_P(Shapes, CustomScore,
                         testing::Values(Shape{70, 70, 2, 2, 64, 32, true},
                                         Shape{5, 200, 4, 2, 128, 500, true},
                                         Shape{130, 90, 2, 1, 32, 8, false},
                                         Shape{3, 77, 1, 1, 40, 40, false}));

TEST(CustomScoreCalls, SayWhatIsWrong) {
  const Inputs in({1, 1, 1, 1, 8, 1, false});
  wl_attention_params p{};
  p.struct_size = sizeof p;
  p.q = in.q.view(), p.k = in.k.view(), p.v = in.v.view(), p.o = in.q.view();
  const wl_launch at = on_device();
  EXPECT_EQ(attention_with_relative_bias(&p, kScale, nullptr, 1, &at), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(),
               "attention_with_relative_bias: bias is NULL; must be an address of the device");
  const float bias = 0;
  EXPECT_EQ(attention_with_relative_bias(&p, kScale, &bias, 0, &at), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(attention_with_relative_bias(&p, kScale, &bias, 1, nullptr), WL_STATUS_UNSUPPORTED);
  p.softcap = 2;
  EXPECT_EQ(attention_with_relative_bias(&p, kScale, &bias, 1, &at), WL_STATUS_INVALID_ARGUMENT);
}

// What the sample promises: a modifier and its launch in at most 20 lines.
TEST(CustomScoreSource, TheModifierTakesAtMostTwentyLines) {
  std::ifstream file(WARPLINE_SOURCE_DIR "/samples/cuda/custom_score.cu");
  int lines = -1;
  bool ended = false;
  for (std::string line; !ended && std::getline(file, line);) {
    ended = line == "// the modifier]";
    if (line == "// [the modifier") {
      lines = 0;
    } else if (lines >= 0 && !ended) {
      ++lines;
    }
  }
  ASSERT_TRUE(ended);
  EXPECT_GE(lines, 10);
  EXPECT_LE(lines, 20);
}

}  // namespace
}  // namespace wl::test
