// Devices as the runtime sees them, and the texts for machines that have none, or the wrong one.
#include "cuda/runtime/device.h"
#include "cuda/runtime/errors.h"
#include "host.h"

namespace wl::test {
namespace {

using HostDevices = HostTest;

std::string message(emu::cudaError_t error, cuda::CudaVersions versions = {12040, 12040}) {
  return cuda::failure_of(error, "cudaCall", "text", versions).message;
}
wl_status status(emu::cudaError_t error) { return cuda::failure_of(error, "cudaCall", "text", {}).status; }

TEST_F(HostDevices, ErrorsSayWhatToDo) {
  EXPECT_EQ(message(emu::cudaErrorInsufficientDriver, {0, 12040}),
            "this machine has no NVIDIA driver; install version 525.60 or newer (nvidia-smi must list the "
            "GPU), or run "
            "on the CPU");
  EXPECT_EQ(message(emu::cudaErrorInsufficientDriver, {11040, 12040}),
            "the NVIDIA driver serves CUDA 11.4, this library needs 12.0 or newer; update the driver to "
            "version 525.60 "
            "or newer, or run on the CPU");
  EXPECT_EQ(message(emu::cudaErrorInsufficientDriver, {12090, 13000}),
            "the NVIDIA driver serves CUDA 12.9, this library needs 13.0 or newer; update the driver to "
            "version 580.65 "
            "or newer, or run on the CPU");
  EXPECT_EQ(message(emu::cudaErrorLaunchFailure), "cudaCall: text (CUDA error 719)");
  const struct {
    emu::cudaError_t error;
    wl_status status;
    const char* part;
  } cases[] = {
      {emu::cudaErrorNoDevice, WL_STATUS_NO_DEVICE, "CUDA_VISIBLE_DEVICES"},
      {emu::cudaErrorStubLibrary, WL_STATUS_NO_DEVICE, "stub"},
      {emu::cudaErrorSystemDriverMismatch, WL_STATUS_NO_DEVICE, "restart the machine"},
      {emu::cudaErrorCompatNotSupportedOnDevice, WL_STATUS_NO_DEVICE, "compatibility package"},
      {emu::cudaErrorDevicesUnavailable, WL_STATUS_NO_DEVICE, "nvidia-smi"},
      {emu::cudaErrorUnsupportedPtxVersion, WL_STATUS_UNSUPPORTED, "update the driver"},
      {emu::cudaErrorNoKernelImageForDevice, WL_STATUS_UNSUPPORTED, "no code for this GPU"},
      {emu::cudaErrorMemoryAllocation, WL_STATUS_OUT_OF_MEMORY, "exhausted"},
      {emu::cudaErrorInvalidResourceHandle, WL_STATUS_INVALID_ARGUMENT, "destroyed"},
      {emu::cudaErrorStreamCaptureInvalidated, WL_STATUS_INVALID_ARGUMENT, "captured"},
      {emu::cudaErrorIllegalAddress, WL_STATUS_INTERNAL, "(CUDA error 700)"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(status(c.error), c.status) << c.part;
    EXPECT_NE(message(c.error).find(c.part), std::string::npos) << message(c.error);
  }
}

TEST_F(HostDevices, ImagesFollowTheComputeCapability) {
  const auto image = [](int major, int minor) {
    const auto found = cuda::kernel_image(major, minor);
    return found ? found->architecture + (found->from_ptx ? 1000 : 0) : 0;
  };
  EXPECT_EQ(image(7, 5), 0);
  EXPECT_EQ(image(8, 0), 80);
  EXPECT_EQ(image(8, 6), 80);
  EXPECT_EQ(image(8, 9), 80);
  EXPECT_EQ(image(9, 0), 90);
  EXPECT_EQ(image(10, 0), 1080);
  EXPECT_EQ(image(12, 0), 1080);
}

wl_status softmax_on(const wl_launch& at) {
  wl_softmax_params params{};
  params.struct_size = sizeof params;
  return wl_softmax(&params, &at);
}

wl_status info_of(int32_t index, wl_device_info* info) {
  *info = {};
  info->struct_size = sizeof *info;
  return wl_device_get_info(WL_DEVICE_CUDA, index, info);
}

TEST_F(HostDevices, AMachineWithoutADriverSaysSoInEachCall) {
  emu::HostSettings machine;
  machine.driver_version = 0;
  emu::configure_host(machine);
  int32_t count = -1;
  EXPECT_WL_OK(wl_device_count(WL_DEVICE_CUDA, &count));
  EXPECT_EQ(count, 0);
  const wl_launch at = default_stream();
  wl_device_info info;
  void* result = nullptr;
  const std::string text =
      ": this machine has no NVIDIA driver; install version 525.60 or newer (nvidia-smi must list the GPU), "
      "or run on "
      "the CPU";
  EXPECT_EQ(info_of(0, &info), WL_STATUS_NO_DEVICE);
  EXPECT_EQ(wl_last_error(), "wl_device_get_info" + text);
  EXPECT_EQ(softmax_on(at), WL_STATUS_NO_DEVICE);
  EXPECT_EQ(wl_last_error(), "wl_softmax" + text);
  EXPECT_EQ(wl_device_alloc(8, &at, &result), WL_STATUS_NO_DEVICE);
  EXPECT_EQ(wl_last_error(), "wl_device_alloc" + text);
  EXPECT_EQ(wl_stream_create(WL_DEVICE_CUDA, 0, &result), WL_STATUS_NO_DEVICE);
  EXPECT_EQ(wl_device_prepare(WL_DEVICE_CUDA, 0), WL_STATUS_NO_DEVICE);
  EXPECT_EQ(emu::cudaGetLastError(), emu::cudaSuccess);
}

TEST_F(HostDevices, AMachineWithoutAGpuAndOneThatIsTooOldSaySo) {
  emu::HostSettings machine;
  machine.failure = emu::cudaErrorNoDevice;
  emu::configure_host(machine);
  EXPECT_EQ(softmax_on(default_stream()), WL_STATUS_NO_DEVICE);
  EXPECT_NE(std::string(wl_last_error()).find("the driver finds no GPU"), std::string::npos)
      << wl_last_error();
  machine = {};
  machine.major = 7;
  machine.minor = 5;
  emu::configure_host(machine);
  EXPECT_EQ(softmax_on(default_stream()), WL_STATUS_UNSUPPORTED);
  EXPECT_STREQ(wl_last_error(),
               "wl_softmax: at.device_index is 0, a GPU of compute capability 7.5; must be a GPU of compute "
               "capability "
               "8.0 or newer, or run on the CPU");
}

TEST_F(HostDevices, OpsWantTheCurrentDevice) {
  emu::HostSettings machine;
  machine.devices = 2;
  emu::configure_host(machine);
  EXPECT_EQ(softmax_on(default_stream(1)), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(
      wl_last_error(),
      "wl_softmax: at.device_index is 1; must be 0, the calling thread's current CUDA device (cudaSetDevice "
      "chooses it)");
  EXPECT_EQ(softmax_on(default_stream(2)), WL_STATUS_NO_DEVICE);
  EXPECT_STREQ(
      wl_last_error(),
      "wl_softmax: at.device_index is 2; must be at least 0 and below 2, the number of CUDA devices");
  EXPECT_EQ(softmax_on(default_stream(-1)), WL_STATUS_NO_DEVICE);
}

TEST_F(HostDevices, DeviceCallsKeepTheCallersCurrentDevice) {
  emu::HostSettings machine;
  machine.devices = 2;
  emu::configure_host(machine);
  const wl_launch second = default_stream(1);
  void *memory = nullptr, *stream = nullptr;
  int current = -1;
  ASSERT_WL_OK(wl_device_alloc(64, &second, &memory));
  ASSERT_WL_OK(wl_stream_create(WL_DEVICE_CUDA, 1, &stream));
  ASSERT_EQ(emu::cudaGetDevice(&current), emu::cudaSuccess);
  EXPECT_EQ(current, 0);
  // A stream of the second device is none of the first.
  wl_launch mixed = default_stream(0);
  mixed.stream = stream;
  EXPECT_EQ(wl_fill(memory, 0, 64, &mixed), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_WL_OK(wl_device_free(memory, &second));
  EXPECT_WL_OK(wl_stream_synchronize(&second));
  EXPECT_WL_OK(wl_stream_destroy(stream));
  ASSERT_EQ(emu::cudaGetDevice(&current), emu::cudaSuccess);
  EXPECT_EQ(current, 0);
}

TEST_F(HostDevices, TheDeviceIsDescribed) {
  wl_device_info info;
  ASSERT_WL_OK(info_of(0, &info));
  EXPECT_EQ(info.kind, WL_DEVICE_CUDA);
  EXPECT_EQ(info.compute_units, 16);
  EXPECT_EQ(info.memory_bytes, uint64_t{16} << 30);
  EXPECT_STREQ(info.name, "emulated GPU");
  EXPECT_STREQ(info.isa, "sm_80");
  int32_t count = 0;
  ASSERT_WL_OK(wl_device_count(WL_DEVICE_CUDA, &count));
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace wl::test
