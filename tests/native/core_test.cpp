// The core of the C ABI: status, errors, options, devices, host memory.
#include <gtest/gtest.h>
#include <warpline/core.h>
#include <warpline/gemm.h>

#include <cstdlib>
#include <filesystem>
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

// Run by the test below, in a process of its own: the environment is read when the library is loaded.
TEST(Environment, DISABLED_AnIllegalValueIsAnErrorUntilTheOptionIsSet) {
  char value[32];
  EXPECT_EQ(wl_get_option("threads", value, sizeof value), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(),
               "wl_get_option: WARPLINE_THREADS is \"many\"; must be a number from 1 to 256, or auto");
  wl_gemm_params empty{};
  empty.struct_size = sizeof empty;
  for (wl_tensor* t : {&empty.x, &empty.weight, &empty.y}) {
    t->dtype = WL_DTYPE_FLOAT32;
    t->rank = 2;
  }
  EXPECT_EQ(wl_gemm_supported(&empty, nullptr, nullptr, 0), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error_parameter(), "WARPLINE_THREADS");
  EXPECT_EQ(wl_set_option("threads", "auto"), WL_STATUS_OK);
  EXPECT_EQ(wl_get_option("threads", value, sizeof value), WL_STATUS_OK);
  EXPECT_EQ(wl_get_option("gemm.kernel", value, sizeof value), WL_STATUS_OK);
  EXPECT_STREQ(value, "rows");
  EXPECT_EQ(wl_set_option("gemm.kernel", "tiles"), WL_STATUS_OK);
  EXPECT_EQ(wl_set_option("gemm.kernel", "auto"), WL_STATUS_OK);
  EXPECT_EQ(wl_get_option("gemm.kernel", value, sizeof value), WL_STATUS_OK);
  EXPECT_STREQ(value, "rows") << "the environment's value is the default";
}

TEST(Core, TheEnvironmentGivesDefaults) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const std::string child = "WARPLINE_THREADS=many WARPLINE_GEMM_KERNEL=rows '" + self +
                            "' --gtest_also_run_disabled_tests --gtest_filter='Environment.*' >/dev/null";
  EXPECT_EQ(std::system(child.c_str()), 0) << child;
}

}  // namespace
}  // namespace wl::test
