// Device memory of the emulated host side: it is not the host's, it ends, and it comes back.
#include "host.h"

namespace wl::test {
namespace {

using HostMemory = HostTest;

TEST_F(HostMemory, CopiesNeedTheKindOfMemoryThatTheirDirectionSays) {
  StreamLaunch at;
  DeviceNumbers x(at, 4, 1), y(at, 4, 2);
  uint32_t host[4] = {};
  struct Case {
    const char* what;
    void* destination;
    const void* source;
    int32_t direction;
    const char* finding;
  };
  const Case cases[] = {
      {"host to host", host, host, WL_COPY_TO_DEVICE, "the destination"},
      {"device as host", x.data, y.data, WL_COPY_TO_DEVICE, "the source"},
      {"from the host, said to be the device", host, host, WL_COPY_TO_HOST, "the source"},
      {"to the device, said to be the host", x.data, y.data, WL_COPY_TO_HOST, "the destination"},
      {"from the host within the device", x.data, host, WL_COPY_ON_DEVICE, "the source"},
      {"to the host within the device", host, x.data, WL_COPY_ON_DEVICE, "the destination"},
  };
  uint64_t found = 0;
  for (const Case& c : cases) {
    EXPECT_EQ(wl_copy(c.destination, c.source, 16, c.direction, &at), WL_STATUS_INVALID_ARGUMENT) << c.what;
    EXPECT_STREQ(wl_last_error_parameter(), "direction") << c.what;
    EXPECT_EQ(emu::host_counts().wrong_pointers, ++found) << c.what;
    EXPECT_NE(emu::host_findings().back().find(c.finding), std::string::npos) << emu::host_findings().back();
  }
  EXPECT_EQ(wl_fill(host, 0, 16, &at), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(emu::cudaGetLastError(), emu::cudaSuccess)
      << "the library's own errors are not left to the caller";
}

TEST_F(HostMemory, ARangeMustStayInItsBlock) {
  StreamLaunch at;
  DeviceNumbers x(at, 4, 1);
  std::vector<uint32_t> host(8);
  EXPECT_WL_OK(wl_copy(host.data(), static_cast<char*>(x.data) + 12, 4, WL_COPY_TO_HOST, &at));
  EXPECT_EQ(wl_copy(host.data(), static_cast<char*>(x.data) + 12, 5, WL_COPY_TO_HOST, &at),
            WL_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(wl_fill(x.data, 1, 17, &at), WL_STATUS_INVALID_ARGUMENT);
  at.synchronize();
}

TEST_F(HostMemory, AKernelParameterThatIsAnAddressOfTheHostIsFound) {
  StreamLaunch at;
  DeviceNumbers x(at, 4, 1);
  std::vector<uint32_t> host(4);
  // No element: what counts is the address.
  const auto launch_on = [&](void* y) {
    return failure_text([&] {
      cuda::launch(kAffine, {.grid = {1}, .threads = 32}, launch_of(at), affine(x.data, y, 0, 1, 1));
    });
  };
  EXPECT_EQ(launch_on(x.data), "nothing failed");
  EXPECT_EQ(launch_on(host.data()), "test.affine: invalid argument (CUDA error 1)");
  ASSERT_EQ(emu::host_findings().size(), 1u);
  EXPECT_NE(emu::host_findings()[0].find("test.affine: the parameter at byte 8 is 0x"), std::string::npos)
      << emu::host_findings()[0];
  EXPECT_EQ(launch_on(static_cast<char*>(x.data) + 16), "nothing failed") << "one past the end is an address";
  at.synchronize();
}

TEST_F(HostMemory, NewMemoryIsPoisoned) {
  StreamLaunch at;
  void* memory = nullptr;
  ASSERT_WL_OK(wl_device_alloc(1000, &at, &memory));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 256, 0u);
  if (!emu::kChecked) {  // the checked build knows the bytes as unwritten
    std::vector<uint8_t> bytes(1000);
    ASSERT_WL_OK(wl_copy(bytes.data(), memory, 1000, WL_COPY_TO_HOST, &at));
    at.synchronize();
    EXPECT_EQ(bytes, std::vector<uint8_t>(1000, 0xff));
  }
  EXPECT_WL_OK(wl_device_free(memory, &at));
  EXPECT_EQ(wl_device_free(memory, &at), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(
      wl_last_error(),
      "wl_device_free: memory is an address that is not live; must be an address from wl_device_alloc "
      "that was not freed");
  at.synchronize();
  EXPECT_WL_OK(wl_trim());
}

TEST_F(HostMemory, ADeviceThatIsFullIsAnErrorThatNamesTheBytes) {
  StreamLaunch at;
  emu::HostSettings machine;
  machine.memory_bytes = 1 << 20;
  emu::configure_host(machine);
  void *first = nullptr, *second = &second;
  ASSERT_WL_OK(wl_device_alloc(700000, &at, &first));
  EXPECT_EQ(wl_device_alloc(700000, &at, &second), WL_STATUS_OUT_OF_MEMORY);
  EXPECT_STREQ(wl_last_error(), "wl_device_alloc: bytes is 700000; CUDA device 0 has no such block left");
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(wl_device_alloc(UINT64_MAX, &at, &second), WL_STATUS_OUT_OF_MEMORY);
  EXPECT_WL_OK(wl_device_free(first, &at));
  EXPECT_WL_OK(wl_device_alloc(700000, &at, &second));
  EXPECT_WL_OK(wl_device_free(second, &at));
  at.synchronize();
}

TEST_F(HostMemory, MemoryIsFreedWhereItWasAllocated) {
  const wl_launch cuda = default_stream();
  wl_launch cpu{};
  cpu.struct_size = sizeof cpu;
  void *device = nullptr, *host = nullptr;
  ASSERT_WL_OK(wl_device_alloc(0, &cuda, &device));
  ASSERT_WL_OK(wl_device_alloc(0, &cpu, &host));
  EXPECT_EQ(wl_device_free(device, &cpu), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(), "wl_device_free: at is the CPU; must be CUDA device 0, where the memory is");
  EXPECT_EQ(wl_device_free(host, &cuda), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(), "wl_device_free: at is CUDA device 0; must be the CPU, where the memory is");
  EXPECT_WL_OK(wl_device_free(device, &cuda));
  EXPECT_WL_OK(wl_device_free(host, &cpu));
}

}  // namespace
}  // namespace wl::test
