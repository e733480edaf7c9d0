// Devices, errors, settings and counts of the emulated host side.
#include <cstdio>
#include <utility>

#include "emulator/host/state.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

constexpr int kRuntimeVersion = 12040;

thread_local cudaError_t tls_last_error = cudaSuccess;
thread_local int tls_device = 0;
thread_local int tls_open_captures = 0;
thread_local std::string tls_failure;

struct ErrorText {
  cudaError_t error;
  const char* name;
  const char* text;
};
constexpr ErrorText kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorStubLibrary, "cudaErrorStubLibrary", "CUDA driver is a stub library"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorDevicesUnavailable, "cudaErrorDevicesUnavailable",
     "CUDA-capable devices are busy or unavailable"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorUnsupportedPtxVersion, "cudaErrorUnsupportedPtxVersion",
     "the provided PTX was compiled with an unsupported toolchain"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorIllegalState, "cudaErrorIllegalState",
     "the operation cannot be performed in the present state"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorCooperativeLaunchTooLarge, "cudaErrorCooperativeLaunchTooLarge",
     "too many blocks in cooperative launch"},
    {cudaErrorSystemDriverMismatch, "cudaErrorSystemDriverMismatch",
     "system has unsupported display driver / cuda driver combination"},
    {cudaErrorCompatNotSupportedOnDevice, "cudaErrorCompatNotSupportedOnDevice",
     "forward compatibility was attempted on non supported HW"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
     "capture was not ended in the same stream as it began"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined", "capturing stream has unjoined work"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
     "dependency created on uncaptured work in another stream"},
    {cudaErrorCapturedEvent, "cudaErrorCapturedEvent",
     "operation not permitted on an event last recorded in a capturing stream"},
};

const ErrorText* find_text(cudaError_t error) {
  for (const ErrorText& known : kErrors) {
    if (known.error == error) return &known;
  }
  return nullptr;
}

}  // namespace

Host& host() {
  static Host* instance =
      new Host;  // never destroyed: a caller's finalizers may still free memory at the end
  return *instance;
}

int& current_device() { return tls_device; }
int& open_captures() { return tls_open_captures; }
void tell_failure(std::string text) { tls_failure = std::move(text); }

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess) tls_last_error = error;
  return error;
}

cudaError_t machine_failure(const Host& h) {
  if (h.settings.failure != cudaSuccess) return h.settings.failure;
  if (h.settings.driver_version / 1000 < kRuntimeVersion / 1000) return cudaErrorInsufficientDriver;
  return h.settings.devices == 0 ? cudaErrorNoDevice : cudaSuccess;
}

const char* cudaGetErrorString(cudaError_t error) {
  if (error == cudaErrorLaunchFailure && !tls_failure.empty()) return tls_failure.c_str();
  const ErrorText* known = find_text(error);
  return known ? known->text : "unrecognized error code";
}

const char* cudaGetErrorName(cudaError_t error) {
  const ErrorText* known = find_text(error);
  return known ? known->name : "unrecognized error code";
}

cudaError_t cudaGetLastError() { return std::exchange(tls_last_error, cudaSuccess); }

cudaError_t cudaDriverGetVersion(int* version) {
  const std::lock_guard lock(host().mutex);
  *version = host().settings.driver_version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kRuntimeVersion;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  return host_call([&](Host& h, Lock&) {
    *count = h.settings.devices;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return host_call([&](Host&, Lock&) {
    *device = tls_device;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return host_call([&](Host& h, Lock&) {
    if (device < 0 || device >= h.settings.devices) return cudaErrorInvalidDevice;
    tls_device = device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return host_call([&](Host& h, Lock&) {
    if (device < 0 || device >= h.settings.devices) return cudaErrorInvalidDevice;
    *properties = {};
    std::snprintf(properties->name, sizeof properties->name, "emulated GPU");
    properties->totalGlobalMem = h.settings.memory_bytes;
    properties->major = h.settings.major;
    properties->minor = h.settings.minor;
    properties->multiProcessorCount = h.settings.multiprocessors;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return host_call([&](Host& h, Lock&) {
    if (device < 0 || device >= h.settings.devices) return cudaErrorInvalidDevice;
    switch (attribute) {
      case cudaDevAttrMultiProcessorCount:
        *value = h.settings.multiprocessors;
        return cudaSuccess;
      case cudaDevAttrComputeCapabilityMajor:
        *value = h.settings.major;
        return cudaSuccess;
      case cudaDevAttrComputeCapabilityMinor:
        *value = h.settings.minor;
        return cudaSuccess;
      case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = h.settings.shared_bytes;
        return cudaSuccess;
    }
    return cudaErrorInvalidValue;
  });
}

void configure_host(const HostSettings& settings) {
  const std::lock_guard lock(host().mutex);
  host().settings = settings;
  host().event_waits = 0;
}

HostSettings host_settings() {
  const std::lock_guard lock(host().mutex);
  return host().settings;
}

HostCounts host_counts() {
  const std::lock_guard lock(host().mutex);
  return host().counts;
}

void clear_host_counts() {
  const std::lock_guard lock(host().mutex);
  host().counts = {};
  host().findings.clear();
}

std::vector<std::string> host_findings() {
  const std::lock_guard lock(host().mutex);
  return host().findings;
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
