// What the tests of the emulated host side share: a machine in its initial state, launches of the C ABI, device arrays.
#pragma once

#include <gtest/gtest.h>
#include <warpline/warpline.h>

#include <cstring>
#include <vector>

#include "core/failure.h"
#include "cuda/ptx/global.h"
#include "cuda/ptx/special.h"
#include "cuda/runtime/launch.h"
#include "emulator/host/host.h"
#include "emulator/launch.h"

namespace wl::test {

// Each test begins with one idle device and default settings, and must leave no handle behind.
struct HostTest : ::testing::Test {
  int64_t handles = 0;
  void SetUp() override {
    emu::configure({});
    emu::configure_host({});
    emu::clear_report();
    emu::clear_host_counts();
    handles = wl_live_handles();
  }
  void TearDown() override {
    EXPECT_EQ(wl_live_handles(), handles);
    emu::configure({});
    emu::configure_host({});
  }
  static void random_schedule(uint64_t seed) {
    emu::Settings settings;
    settings.schedule = emu::Schedule::kRandom;
    settings.seed = seed;
    emu::configure(settings);
  }
};

#define EXPECT_WL_OK(call) EXPECT_EQ(call, WL_STATUS_OK) << wl_last_error()
#define ASSERT_WL_OK(call) ASSERT_EQ(call, WL_STATUS_OK) << wl_last_error()

// A stream of device 0 as a launch.
struct StreamLaunch : wl_launch {
  StreamLaunch() : wl_launch{} {
    struct_size = sizeof(wl_launch);
    device_kind = WL_DEVICE_CUDA;
    EXPECT_WL_OK(wl_stream_create(WL_DEVICE_CUDA, 0, &stream));
  }
  ~StreamLaunch() { EXPECT_WL_OK(wl_stream_destroy(stream)); }
  StreamLaunch(const StreamLaunch&) = delete;
  StreamLaunch& operator=(const StreamLaunch&) = delete;
  void synchronize() const { EXPECT_WL_OK(wl_stream_synchronize(this)); }
};

inline wl_launch default_stream(int32_t index = 0) {
  wl_launch at{};
  at.struct_size = sizeof at;
  at.device_kind = WL_DEVICE_CUDA;
  at.device_index = index;
  return at;
}

// Numbers in device memory, allocated in a stream.
struct DeviceNumbers {
  const wl_launch* at;
  size_t size;
  void* data = nullptr;
  DeviceNumbers(const wl_launch& launch, size_t count, uint32_t value) : at(&launch), size(count) {
    EXPECT_WL_OK(wl_device_alloc(count * sizeof(uint32_t), at, &data));
    const std::vector<uint32_t> values(count, value);
    EXPECT_WL_OK(wl_copy(data, values.data(), count * sizeof(uint32_t), WL_COPY_TO_DEVICE, at));
    EXPECT_WL_OK(wl_stream_synchronize(at));
  }
  ~DeviceNumbers() { EXPECT_WL_OK(wl_device_free(data, at)); }
  DeviceNumbers(const DeviceNumbers&) = delete;
  DeviceNumbers& operator=(const DeviceNumbers&) = delete;
  std::vector<uint32_t> read(const wl_launch& through) const {
    std::vector<uint32_t> values(size);
    EXPECT_WL_OK(wl_copy(values.data(), data, size * sizeof(uint32_t), WL_COPY_TO_HOST, &through));
    EXPECT_WL_OK(wl_stream_synchronize(&through));
    return values;
  }
};

// y[i] = scale * x[i] + add
struct AffineParams {
  cuda::Global<const uint32_t> x;
  cuda::Global<uint32_t> y;
  uint32_t count, scale, add;
};
inline void affine_kernel(const AffineParams p) {
  using namespace cuda;
  const uint32_t i = ptx::ctaid_x() * 32 + ptx::tid_x();
  if (i >= p.count) return;
  ptx::st_global_b32(p.y + i, p.scale * ptx::ld_global_b32(p.x + i) + p.add);
}
inline const cuda::Kernel<AffineParams> kAffine("test.affine", &affine_kernel);

inline Launch launch_of(const wl_launch& at) {
  Launch launch;
  launch.device_kind = at.device_kind;
  launch.device_index = at.device_index;
  launch.stream = at.stream;
  return launch;
}

inline AffineParams affine(const void* x, void* y, uint32_t count, uint32_t scale, uint32_t add) {
  return {{static_cast<const uint32_t*>(x)}, {static_cast<uint32_t*>(y)}, count, scale, add};
}

// y = scale * x + add, enqueued.
inline void run_affine(const wl_launch& at, const DeviceNumbers& x, const DeviceNumbers& y, uint32_t scale,
                       uint32_t add) {
  const auto count = static_cast<uint32_t>(x.size);
  cuda::launch(kAffine, {.grid = {(count + 31) / 32}, .threads = 32}, launch_of(at),
               affine(x.data, y.data, count, scale, add));
}

// What a call that should fail threw.
template <class Body>
std::string failure_text(Body&& body) {
  try {
    body();
  } catch (const Failure& failure) {
    return failure.message;
  }
  return "nothing failed";
}

}  // namespace wl::test
