#include "cuda/runtime/memory.h"

#include <warpline/device.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>

#include "core/failure.h"
#include "cuda/runtime/device.h"
#include "cuda/runtime/errors.h"

namespace wl::cuda {
namespace {

// A pool of our own: the device's default pool is the caller's, and so are its settings.
struct Pools {
  std::mutex mutex;
  std::map<int, cudaMemPool_t> pools;
};
Pools& pools() {
  static Pools* instance = new Pools;  // never destroyed: the driver may be gone by then
  return *instance;
}

cudaMemPool_t pool_of(int device) {
  const std::lock_guard lock(pools().mutex);
  const auto found = pools().pools.find(device);
  if (found != pools().pools.end()) return found->second;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.handleTypes = cudaMemHandleTypeNone;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  cudaMemPool_t pool = nullptr;
  check(cudaMemPoolCreate(&pool, &properties), "cudaMemPoolCreate");
  uint64_t keep = UINT64_MAX;  // until wl_trim: synchronising does not give memory back
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "cudaMemPoolSetAttribute");
  return pools().pools.emplace(device, pool).first->second;
}

cudaMemcpyKind kind_of(int32_t direction) {
  switch (direction) {
    case WL_COPY_TO_DEVICE:
      return cudaMemcpyHostToDevice;
    case WL_COPY_TO_HOST:
      return cudaMemcpyDeviceToHost;
    default:
      return cudaMemcpyDeviceToDevice;
  }
}

void require_stream_not_captured(const Launch& at, const char* what) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(static_cast<cudaStream_t>(at.stream), &status), "cudaStreamIsCapturing");
  if (status != cudaStreamCaptureStatusNone)
    invalid("at.stream", "being captured", std::string("a stream outside a capture: a graph ") + what);
}

}  // namespace

void* allocate(uint64_t bytes, const Launch& at) {
  const DeviceScope scope(at.device_index);
  require_stream_not_captured(at, "owns no memory");
  void* memory = nullptr;
  const cudaError_t error = cudaMallocFromPoolAsync(
      &memory, std::max<uint64_t>(bytes, 1), pool_of(at.device_index), static_cast<cudaStream_t>(at.stream));
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw Failure{
        WL_STATUS_OUT_OF_MEMORY, "bytes",
        "bytes is " + text(bytes) + "; CUDA device " + text(at.device_index) + " has no such block left"};
  }
  check(error, "cudaMallocFromPoolAsync");
  return memory;
}

void release(void* memory, const Launch& at) {
  const DeviceScope scope(at.device_index);
  require_stream_not_captured(at, "frees no memory");
  check(cudaFreeAsync(memory, static_cast<cudaStream_t>(at.stream)), "cudaFreeAsync");
}

void trim_pools() {
  const std::lock_guard lock(pools().mutex);
  for (const auto& [device, pool] : pools().pools) check(cudaMemPoolTrimTo(pool, 0), "cudaMemPoolTrimTo");
}

void copy(void* destination, const void* source, uint64_t bytes, int32_t direction, const Launch& at) {
  const DeviceScope scope(at.device_index);
  const cudaError_t error =
      cudaMemcpyAsync(destination, source, bytes, kind_of(direction), static_cast<cudaStream_t>(at.stream));
  if (error == cudaErrorInvalidValue) {
    cudaGetLastError();
    invalid("direction", text(direction),
            "what destination and source are: memory of the host or of the device, of at least " +
                text(bytes) + " bytes");
  }
  check(error, "cudaMemcpyAsync");
}

void fill(void* destination, int32_t value, uint64_t bytes, const Launch& at) {
  const DeviceScope scope(at.device_index);
  const cudaError_t error = cudaMemsetAsync(destination, value, bytes, static_cast<cudaStream_t>(at.stream));
  if (error == cudaErrorInvalidValue) {
    cudaGetLastError();
    invalid("destination", "no such memory", "memory of the device, of at least " + text(bytes) + " bytes");
  }
  check(error, "cudaMemsetAsync");
}

}  // namespace wl::cuda
