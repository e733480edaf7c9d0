#include "cuda/runtime/device.h"

#include <cstdio>
#include <string>

#include "cuda/runtime/errors.h"

namespace wl::cuda {
namespace {

int attribute(cudaDeviceAttr name, int index) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, name, index), "cudaDeviceGetAttribute");
  return value;
}

int current_device() {
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  return device;
}

// Fails where there is none at all.
int require_count() {
  int count = 0;
  check(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
  if (count == 0) fail_cuda(cudaErrorNoDevice, "cudaGetDeviceCount");
  return count;
}

KernelImage require_image(int index, const char* name) {
  const int major = attribute(cudaDevAttrComputeCapabilityMajor, index);
  const int minor = attribute(cudaDevAttrComputeCapabilityMinor, index);
  const std::optional<KernelImage> image = kernel_image(major, minor);
  if (!image) {
    fail(WL_STATUS_UNSUPPORTED, name,
         text(index) + ", a GPU of compute capability " + text(major) + "." + text(minor),
         "a GPU of compute capability 8.0 or newer, or run on the CPU");
  }
  return *image;
}

}  // namespace

std::optional<KernelImage> kernel_image(int major, int minor) {
  if (major < 8 || minor < 0) return {};
  if (major == 8) return KernelImage{80, false};
  if (major == 9) return KernelImage{90, false};
  return KernelImage{80, true};
}

int device_count() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return count;
}

void require_device(int index, const char* name) {
  const int count = require_count();
  if (index < 0 || index >= count) {
    fail(WL_STATUS_NO_DEVICE, name, text(index),
         count == 1 ? std::string("0: there is one CUDA device")
                    : "at least 0 and below " + text(count) + ", the number of CUDA devices");
  }
  require_image(index, name);
}

void require_current(int index, const char* name) {
  const int current = current_device();
  if (index == current) {
    require_image(index, name);
    return;
  }
  require_device(index, name);
  invalid(name, text(index),
          text(current) + ", the calling thread's current CUDA device (cudaSetDevice chooses it)");
}

void device_info(int index, wl_device_info* info) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
  info->kind = WL_DEVICE_CUDA;
  info->index = index;
  info->compute_units = properties.multiProcessorCount;
  info->memory_bytes = properties.totalGlobalMem;
  std::snprintf(info->name, sizeof info->name, "%.127s", properties.name);
  std::snprintf(info->isa, sizeof info->isa, "sm_%d%d", properties.major, properties.minor);
}

int multiprocessors(int index) { return attribute(cudaDevAttrMultiProcessorCount, index); }
int largest_shared_bytes(int index) { return attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, index); }
int architecture(int index) { return require_image(index, "device").architecture; }
int compute_capability(int index) {
  return attribute(cudaDevAttrComputeCapabilityMajor, index) * 10 +
         attribute(cudaDevAttrComputeCapabilityMinor, index);
}

DeviceScope::DeviceScope(int index) : previous_(current_device()) {
  if (index == previous_) return;
  check(cudaSetDevice(index), "cudaSetDevice");
  changed_ = true;
}

DeviceScope::~DeviceScope() {
  if (changed_) cudaSetDevice(previous_);
}

}  // namespace wl::cuda
