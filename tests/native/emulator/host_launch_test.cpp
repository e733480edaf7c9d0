// Kernels as the host launches them: attributes, occupancy, shapes, failures.
#include "cuda/ptx/shared.h"
#include "cuda/runtime/device.h"
#include "host.h"

namespace wl::test {
namespace {

using HostLaunch = HostTest;

constexpr uint32_t kLargeShared = 100 * 1024;

struct SharedParams {
  cuda::Global<uint32_t> y;
};
void shared_kernel(const SharedParams p) {
  using namespace cuda;
  ptx::st_shared_b32(kLargeShared - 4, ptx::ctaid_x() + 1);
  ptx::st_global_b32(p.y + ptx::ctaid_x(), ptx::ld_shared_b32(kLargeShared - 4));
}
const cuda::Kernel<SharedParams> kShared("test.shared", &shared_kernel, kLargeShared);

struct NoParams {
  uint32_t unused;
};
void trapping_kernel(const NoParams) { emu::trap(cuda::Site::here()); }
const cuda::Kernel<NoParams> kTrapping("test.trapping", &trapping_kernel);

TEST_F(HostLaunch, LargeSharedMemoryMustBeAskedFor) {
  StreamLaunch at;
  DeviceNumbers y(at, 2, 0);
  const SharedParams params{{static_cast<uint32_t*>(y.data)}};
  const void* arguments[] = {&params};
  emu::cudaLaunchConfig_t config{{2},     {1}, kLargeShared, static_cast<emu::cudaStream_t>(at.stream),
                                 nullptr, 0};
  const auto raw_launch = [&] {
    return emu::cudaLaunchKernelExC(&config, kShared.function(), const_cast<void**>(arguments));
  };
  EXPECT_EQ(emu::cudaFuncSetAttribute(kShared.function(), emu::cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      48 * 1024),
            emu::cudaSuccess);
  EXPECT_EQ(raw_launch(), emu::cudaErrorInvalidValue);
  EXPECT_EQ(emu::cudaFuncSetAttribute(kShared.function(), emu::cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      kLargeShared),
            emu::cudaSuccess);
  EXPECT_EQ(raw_launch(), emu::cudaSuccess);
  EXPECT_EQ(y.read(at), (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(emu::cudaFuncSetAttribute(kShared.function(), emu::cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      164 * 1024),
            emu::cudaErrorInvalidValue);
  emu::cudaGetLastError();
}

TEST_F(HostLaunch, PreparingSetsTheAttributesOnce) {
  EXPECT_WL_OK(wl_device_prepare(WL_DEVICE_CUDA, 0));
  EXPECT_WL_OK(wl_device_prepare(WL_DEVICE_CUDA, 0));
  emu::cudaFuncAttributes attributes{};
  ASSERT_EQ(emu::cudaFuncGetAttributes(&attributes, kShared.function()), emu::cudaSuccess);
  EXPECT_EQ(attributes.maxDynamicSharedSizeBytes, static_cast<int>(kLargeShared));
  StreamLaunch at;
  DeviceNumbers y(at, 1, 0);
  cuda::launch(kShared, {.grid = {1}, .threads = 1, .shared_bytes = kLargeShared}, launch_of(at),
               SharedParams{{static_cast<uint32_t*>(y.data)}});
  EXPECT_EQ(y.read(at)[0], 1u);
  EXPECT_STREQ(wl_last_kernel(), "test.shared");
}

TEST_F(HostLaunch, OccupancyFollowsThreadsAndSharedMemory) {
  EXPECT_EQ(kAffine.blocks_per_multiprocessor(0, 128, 0), 16);
  EXPECT_EQ(kAffine.blocks_per_multiprocessor(0, 32, 0), 32);
  EXPECT_EQ(kAffine.blocks_per_multiprocessor(0, 1024, 0), 2);
  EXPECT_EQ(kShared.blocks_per_multiprocessor(0, 128, kLargeShared), 1);
  EXPECT_EQ(kShared.blocks_per_multiprocessor(0, 128, 40 * 1024), 4);
}

TEST_F(HostLaunch, ACooperativeGridMustFitTheDevice) {
  StreamLaunch at;
  DeviceNumbers x(at, 4, 1);
  const auto run = [&](uint32_t blocks) {
    return failure_text([&] {
      cuda::launch(kAffine, {.grid = {blocks}, .threads = 1024, .cooperative = true}, launch_of(at),
                   affine(x.data, x.data, 4, 1, 0));
    });
  };
  EXPECT_EQ(run(32), "nothing failed") << "16 multiprocessors of 2 blocks";
  EXPECT_EQ(run(33), "test.affine: too many blocks in cooperative launch (CUDA error 720)");
  at.synchronize();
}

TEST_F(HostLaunch, ShapesThatHardwareRefusesAreRefused) {
  StreamLaunch at;
  DeviceNumbers x(at, 4, 1);
  const auto run = [&](const cuda::LaunchShape& shape) {
    return failure_text(
        [&] { cuda::launch(kAffine, shape, launch_of(at), affine(x.data, x.data, 4, 1, 0)); });
  };
  const std::string refused = "test.affine: invalid configuration argument (CUDA error 9)";
  EXPECT_EQ(run({.grid = {1}, .threads = 1025}), refused);
  EXPECT_EQ(run({.grid = {1}, .threads = 0}), refused);
  EXPECT_EQ(run({.grid = {1, 65536}, .threads = 32}), refused);
  EXPECT_EQ(run({.grid = {1, 1, 65536}, .threads = 32}), refused);
  EXPECT_EQ(run({.grid = {1}, .threads = 32, .shared_bytes = 48 * 1024 + 1}),
            "test.affine: invalid argument (CUDA error 1)");
  emu::clear_host_counts();
  EXPECT_EQ(run({.grid = {0}, .threads = 32}), "nothing failed");
  EXPECT_EQ(emu::host_counts().launches, 0u) << "an empty grid is no launch";
}

TEST_F(HostLaunch, AKernelThatFailsIsToldToWhoWaits) {
  StreamLaunch at;
  cuda::launch(kTrapping, {.grid = {1}, .threads = 1}, launch_of(at), NoParams{0});
  EXPECT_EQ(wl_stream_synchronize(&at), WL_STATUS_INTERNAL);
  EXPECT_NE(std::string(wl_last_error()).find("test.trapping"), std::string::npos) << wl_last_error();
  EXPECT_NE(std::string(wl_last_error()).find("host_launch_test.cpp:"), std::string::npos) << wl_last_error();
  EXPECT_WL_OK(wl_stream_synchronize(&at)) << "told once";
}

TEST_F(HostLaunch, ALauncherReportsOnlyItsOwnErrors) {
  StreamLaunch at;
  DeviceNumbers x(at, 4, 1);
  EXPECT_EQ(emu::cudaSetDevice(7), emu::cudaErrorInvalidDevice);  // the caller's mistake
  EXPECT_EQ(failure_text([&] { run_affine(at, x, x, 1, 1); }), "nothing failed");
  EXPECT_EQ(emu::cudaGetLastError(), emu::cudaErrorInvalidDevice) << "and still the caller's to see";
  EXPECT_EQ(x.read(at)[0], 2u);
}

}  // namespace
}  // namespace wl::test
