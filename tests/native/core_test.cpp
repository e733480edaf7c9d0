// The core of the C ABI: status, errors, options, devices, host memory.
#include <gtest/gtest.h>
#include <warpline/core.h>

#include <string>

#include "support/tensors.h"

namespace wl::test {
namespace {

TEST(Core, VersionTextFollowsTheHeader) {
  const std::string expected = std::to_string(WL_VERSION_MAJOR) + "." + std::to_string(WL_VERSION_MINOR) +
                               "." + std::to_string(WL_VERSION_PATCH);
  EXPECT_EQ(wl_version(), expected);
  EXPECT_EQ(wl_abi_version(), WL_ABI_VERSION);
}

TEST(Core, HostMemoryIsCountedAlignedAndFreedOnce) {
  const int64_t before = wl_live_handles();
  void* memory = nullptr;
  ASSERT_EQ(wl_host_alloc(1000, &memory), WL_STATUS_OK);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 256, 0u);
  EXPECT_EQ(wl_live_handles(), before + 1);
  EXPECT_EQ(wl_host_free(memory), WL_STATUS_OK);
  EXPECT_EQ(wl_live_handles(), before);
  EXPECT_EQ(wl_host_free(memory), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(
      wl_last_error(),
      "wl_host_free: memory is an address that is not live; must be an address from wl_host_alloc that was "
      "not freed");
  EXPECT_STREQ(wl_last_error_parameter(), "memory");
}

TEST(Core, AnAllocationThatCannotBeHadIsAnError) {
  void* memory = &memory;
  EXPECT_EQ(wl_host_alloc(UINT64_MAX, &memory), WL_STATUS_OUT_OF_MEMORY);
  EXPECT_EQ(memory, nullptr);
}

TEST(Core, OptionsAreReadBackAndRestored) {
  char value[32];
  {
    const OptionScope threads("threads", "3");
    ASSERT_EQ(wl_get_option("threads", value, sizeof value), WL_STATUS_OK);
    EXPECT_STREQ(value, "3");
  }
  ASSERT_EQ(wl_get_option("gemm.kernel", value, sizeof value), WL_STATUS_OK);
  EXPECT_STREQ(value, "auto");
  for (const std::string& set : instruction_sets()) {
    const OptionScope isa("cpu_isa", set);
    wl_device_info info{};
    info.struct_size = sizeof info;
    ASSERT_EQ(wl_device_get_info(WL_DEVICE_CPU, 0, &info), WL_STATUS_OK);
    EXPECT_EQ(info.isa, set);
  }
}

}  // namespace
}  // namespace wl::test
