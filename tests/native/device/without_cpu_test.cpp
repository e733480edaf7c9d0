// A library that was built without the CPU backend (WARPLINE_CPU=OFF) says so wherever it is asked for the CPU, and
// touches no output.
#include <gtest/gtest.h>
#include <warpline/warpline.h>

#include <string>
#include <vector>

#include "support/legal_calls.h"

namespace wl::test {
namespace {

const char kReason[] = "must be CUDA (1): this library was built without the CPU backend";

// Whether the latest failed call named the parameter and the reason.
void expect_reason(wl_status status, const std::string& function, const std::string& parameter) {
  EXPECT_EQ(status, WL_STATUS_UNSUPPORTED) << function;
  EXPECT_EQ(std::string(wl_last_error()).rfind(function + ": " + parameter + " is ", 0), 0u)
      << wl_last_error();
  EXPECT_NE(std::string(wl_last_error()).find(kReason), std::string::npos) << wl_last_error();
  EXPECT_EQ(wl_last_error_parameter(), parameter);
}

// Every op, with what a launch lacks: none, and one on the CPU.
TEST(WithoutCpu, EachOpSaysSo) {
  using Op = wl_status (*)(Calls&, const wl_launch*);
  const std::vector<std::pair<const char*, Op>> ops = {
      {"wl_norm", [](Calls& c, const wl_launch* at) { return wl_norm(&c.norm, at); }},
      {"wl_rope_table", [](Calls& c, const wl_launch* at) { return wl_rope_table(&c.rope_table, at); }},
      {"wl_rope", [](Calls& c, const wl_launch* at) { return wl_rope(&c.rope, at); }},
      {"wl_activation", [](Calls& c, const wl_launch* at) { return wl_activation(&c.activation, at); }},
      {"wl_embedding", [](Calls& c, const wl_launch* at) { return wl_embedding(&c.embedding, at); }},
      {"wl_pool", [](Calls& c, const wl_launch* at) { return wl_pool(&c.pool, at); }},
      {"wl_softmax", [](Calls& c, const wl_launch* at) { return wl_softmax(&c.softmax, at); }},
      {"wl_argmax", [](Calls& c, const wl_launch* at) { return wl_argmax(&c.argmax, at); }},
      {"wl_sample", [](Calls& c, const wl_launch* at) { return wl_sample(&c.sample, at); }},
      {"wl_gemm", [](Calls& c, const wl_launch* at) { return wl_gemm(&c.gemm, at); }},
      {"wl_attention", [](Calls& c, const wl_launch* at) { return wl_attention(&c.attention, at); }},
      {"wl_kv_append", [](Calls& c, const wl_launch* at) { return wl_kv_append(&c.append, at); }},
  };
  for (const auto& [name, op] : ops) {
    Calls calls;
    expect_reason(op(calls, nullptr), name, "at");
    expect_reason(op(calls, &calls.launch), name, "at.device_kind");
    EXPECT_TRUE(calls.untouched()) << name;
  }
}

TEST(WithoutCpu, NoOpIsSupportedThere) {
  Calls c;
  char reason[256] = "";
  EXPECT_EQ(wl_attention_supported(&c.attention, nullptr, reason, sizeof reason), WL_STATUS_UNSUPPORTED);
  EXPECT_NE(std::string(reason).find(kReason), std::string::npos) << reason;
  EXPECT_EQ(wl_gemm_supported(&c.gemm, nullptr, reason, sizeof reason), WL_STATUS_UNSUPPORTED);
  EXPECT_NE(std::string(reason).find(kReason), std::string::npos) << reason;
}

TEST(WithoutCpu, DeviceCallsSaySo) {
  Calls c;
  void* memory = &c;
  expect_reason(wl_device_alloc(16, nullptr, &memory), "wl_device_alloc", "at");
  EXPECT_EQ(memory, nullptr);
  int32_t count = -1;
  EXPECT_EQ(wl_device_count(WL_DEVICE_CPU, &count), WL_STATUS_OK);
  EXPECT_EQ(count, 0);
  wl_device_info info{};
  info.struct_size = sizeof info;
  expect_reason(wl_device_get_info(WL_DEVICE_CPU, 0, &info), "wl_device_get_info", "kind");
  expect_reason(wl_device_prepare(WL_DEVICE_CPU, 0), "wl_device_prepare", "kind");
}

TEST(WithoutCpu, NothingIsPackedOrKept) {
  Calls c;
  uint64_t bytes = 0;
  ASSERT_EQ(wl_gemm_pack_size(&c.gemm.weight, &bytes), WL_STATUS_OK);
  void* packed = nullptr;
  ASSERT_EQ(wl_host_alloc(bytes, &packed), WL_STATUS_OK);
  EXPECT_EQ(wl_gemm_pack(&c.gemm.weight, packed, bytes), WL_STATUS_UNSUPPORTED);
  EXPECT_STREQ(wl_last_error(),
               "wl_gemm_pack: packed weights are the CPU's, and this library was built without its backend");
  EXPECT_EQ(wl_host_free(packed), WL_STATUS_OK);
  EXPECT_EQ(wl_scratch_bytes(), 0u);
  EXPECT_EQ(wl_trim(), WL_STATUS_OK);
}

}  // namespace
}  // namespace wl::test
