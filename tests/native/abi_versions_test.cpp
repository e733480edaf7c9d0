// An old client with this library, and a newer client with this library.
#include <gtest/gtest.h>
#include <warpline/warpline.h>

#include <cmath>
#include <cstddef>
#include <cstring>

#include "support/matrix.h"

namespace wl::test {
namespace {

// The struct of a client that was compiled against a later version: two more fields.
struct NewerSoftmaxParams {
  wl_softmax_params known;
  uint64_t later_option;
  uint32_t later_flag;
  uint32_t later_padding;
};

NewerSoftmaxParams newer(const Matrix& x, const Matrix& y) {
  NewerSoftmaxParams p{};
  p.known.struct_size = sizeof p;
  p.known.x = x.view();
  p.known.y = y.view();
  return p;
}

TEST(AbiVersions, ANewerClientThatUsesNothingNewIsServed) {
  const Matrix x = Matrix::of(WL_DTYPE_FLOAT32, 1, 4, {1, 1, 1, 1});
  const Matrix y(WL_DTYPE_FLOAT32, 1, 4);
  const NewerSoftmaxParams p = newer(x, y);
  ASSERT_EQ(wl_softmax(&p.known, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(y.get(0, 3), 0.25);
}

TEST(AbiVersions, ANewerClientThatUsesSomethingNewIsRefused) {
  const Matrix x = Matrix::of(WL_DTYPE_FLOAT32, 1, 4, {1, 1, 1, 1});
  const Matrix y(WL_DTYPE_FLOAT32, 1, 4);
  NewerSoftmaxParams p = newer(x, y);
  p.later_flag = 0x100;
  EXPECT_EQ(wl_softmax(&p.known, nullptr), WL_STATUS_UNSUPPORTED);
  EXPECT_STREQ(
      wl_last_error(),
      "wl_softmax: params.struct_size is 280 with byte 273 set; must be at most 264, or zero beyond: this "
      "library is older than its client");
  EXPECT_STREQ(wl_last_error_parameter(), "params.struct_size");
  EXPECT_TRUE(std::isnan(y.get(0, 0))) << "nothing is written";
}

// A client from before a field was appended passes a smaller size; whatever lies behind its struct is not read.
TEST(AbiVersions, FieldsThatAnOldClientLacksAreZero) {
  Random random(1);
  const Matrix x = Matrix::of(WL_DTYPE_FLOAT32, 2, 8, random.normals(16));
  const Matrix y(WL_DTYPE_FLOAT32, 2, 8);
  wl_norm_params p{};
  p.kind = WL_NORM_RMS;
  p.x = x.view();
  p.y = y.view();
  std::memset(&p.residual_out, 0xff, sizeof p.residual_out);
  p.struct_size = offsetof(wl_norm_params, residual_out);
  EXPECT_EQ(wl_norm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  p.struct_size = sizeof p;
  EXPECT_EQ(wl_norm(&p, nullptr), WL_STATUS_INVALID_ARGUMENT) << "now the field is there";

  wl_sampling_row setting{};
  Buffer ids(WL_DTYPE_INT32, {1});
  const Matrix logits = Matrix::of(WL_DTYPE_FLOAT32, 1, 3, {0, 9, 0});
  setting.greedy = 1;
  wl_sample_params sample{};
  sample.logits = logits.view();
  sample.settings = &setting;
  sample.settings_count = 1;
  sample.ids = ids.view();
  std::memset(&sample.log_probabilities, 0xff, sizeof sample.log_probabilities);
  sample.struct_size = offsetof(wl_sample_params, log_probabilities);
  EXPECT_EQ(wl_sample(&sample, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(ids.get(0), 1);
}

TEST(AbiVersions, ASizeThatIsNoStructIsRefused) {
  wl_softmax_params p{};
  for (const uint32_t size : {0u, 7u, 0x10001u, 0xffffffffu}) {
    p.struct_size = size;
    EXPECT_EQ(wl_softmax(&p, nullptr), WL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(wl_last_error(), "wl_softmax: params.struct_size is " + std::to_string(size) +
                                   "; must be the size of the struct, 264 in this version");
  }
}

TEST(AbiVersions, TheLaunchIsAStructLikeAnyOther) {
  const Matrix x = Matrix::of(WL_DTYPE_FLOAT32, 1, 4, {1, 1, 1, 1});
  const Matrix y(WL_DTYPE_FLOAT32, 1, 4);
  wl_softmax_params p{};
  p.struct_size = sizeof p;
  p.x = x.view();
  p.y = y.view();
  struct {
    wl_launch known;
    uint64_t later;
  } at{};
  at.known.struct_size = sizeof at;
  EXPECT_EQ(wl_softmax(&p, &at.known), WL_STATUS_OK) << wl_last_error();
  at.later = 1;
  EXPECT_EQ(wl_softmax(&p, &at.known), WL_STATUS_UNSUPPORTED);
  EXPECT_STREQ(wl_last_error_parameter(), "at.struct_size");
  at.known.struct_size = offsetof(wl_launch, stream);  // an old client: garbage behind it is not read
  std::memset(&at.known.stream, 0xff, sizeof at.known.stream);
  EXPECT_EQ(wl_softmax(&p, &at.known), WL_STATUS_OK) << wl_last_error();
}

TEST(AbiVersions, AnOutputStructIsWrittenUpToTheClientsSize) {
  wl_device_info full{};
  full.struct_size = sizeof full;
  ASSERT_EQ(wl_device_get_info(WL_DEVICE_CPU, 0, &full), WL_STATUS_OK);
  EXPECT_GT(full.memory_bytes, 0u);
  EXPECT_GT(std::strlen(full.name), 0u);

  struct {
    wl_device_info known;
    unsigned char later[16];
  } info;
  std::memset(&info, 0x5a, sizeof info);
  info.known.struct_size = offsetof(wl_device_info, memory_bytes);
  ASSERT_EQ(wl_device_get_info(WL_DEVICE_CPU, 0, &info.known), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(info.known.compute_units, full.compute_units);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&info);
  for (size_t i = offsetof(wl_device_info, memory_bytes); i < sizeof info; ++i)
    ASSERT_EQ(bytes[i], 0x5a) << "byte " << i;

  info.known.struct_size = sizeof info;  // a newer client
  ASSERT_EQ(wl_device_get_info(WL_DEVICE_CPU, 0, &info.known), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(info.known.struct_size, sizeof info);
  EXPECT_STREQ(info.known.name, full.name);
  for (const unsigned char byte : info.later) EXPECT_EQ(byte, 0x5a);

  info.known.struct_size = 4;
  EXPECT_EQ(wl_device_get_info(WL_DEVICE_CPU, 0, &info.known), WL_STATUS_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace wl::test
