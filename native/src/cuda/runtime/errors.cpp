#include "cuda/runtime/errors.h"

#include <string>

namespace wl::cuda {
namespace {

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// The oldest driver that serves a runtime, by its major version.
const char* oldest_driver(int runtime) { return runtime >= 13000 ? "580.65" : "525.60"; }

std::string driver_text(CudaVersions versions) {
  const std::string needed = oldest_driver(versions.runtime);
  if (versions.driver == 0) {
    return "this machine has no NVIDIA driver; install version " + needed +
           " or newer (nvidia-smi must list the GPU), or run on the CPU";
  }
  return "the NVIDIA driver serves CUDA " + version_text(versions.driver) + ", this library needs " +
         std::to_string(versions.runtime / 1000) + ".0 or newer; update the driver to version " + needed +
         " or newer, or run on the CPU";
}

std::string quoted(const char* call, const char* text, cudaError_t error) {
  return std::string(call) + ": " + text + " (CUDA error " + std::to_string(static_cast<int>(error)) + ")";
}

}  // namespace

Failure failure_of(cudaError_t error, const char* call, const char* text, CudaVersions versions) {
  const std::string said = quoted(call, text, error);
  switch (error) {
    case cudaErrorInsufficientDriver:
      return {WL_STATUS_NO_DEVICE, "", driver_text(versions)};
    case cudaErrorNoDevice:
      return {WL_STATUS_NO_DEVICE, "",
              "the driver finds no GPU; see that nvidia-smi lists one and that CUDA_VISIBLE_DEVICES does not "
              "hide "
              "it, or run on the CPU"};
    case cudaErrorStubLibrary:
      return {
          WL_STATUS_NO_DEVICE, "",
          "libcuda.so.1 is the toolkit's stub, not the driver's; take the stubs folder off the library path"};
    case cudaErrorSystemDriverMismatch:
      return {
          WL_STATUS_NO_DEVICE, "",
          "the driver's kernel module and its libcuda.so.1 are of different versions; restart the machine "
          "after a driver update"};
    case cudaErrorCompatNotSupportedOnDevice:
      return {
          WL_STATUS_NO_DEVICE, "",
          "the CUDA compatibility package does not serve this GPU; take it off the library path and update "
          "the driver"};
    case cudaErrorDevicesUnavailable:
    case cudaErrorInitializationError:
    case cudaErrorInvalidDevice:
      return {
          WL_STATUS_NO_DEVICE, "",
          "the GPU cannot be used now (busy, in exclusive use or not initialised); see nvidia-smi; " + said};
    case cudaErrorUnsupportedPtxVersion:
      return {
          WL_STATUS_UNSUPPORTED, "",
          "the driver is too old to compile this library's code for this GPU; update the driver; " + said};
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
      return {WL_STATUS_UNSUPPORTED, "",
              "this library holds no code for this GPU; build it for the GPU's architecture; " + said};
    case cudaErrorMemoryAllocation:
      return {WL_STATUS_OUT_OF_MEMORY, "", "the memory of the GPU is exhausted; " + said};
    case cudaErrorInvalidResourceHandle:
      return {WL_STATUS_INVALID_ARGUMENT, "",
              "the stream, event or graph is destroyed, or belongs to another device; " + said};
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureUnmatched:
    case cudaErrorStreamCaptureUnjoined:
    case cudaErrorStreamCaptureIsolation:
    case cudaErrorCapturedEvent:
    case cudaErrorIllegalState:
      return {WL_STATUS_INVALID_ARGUMENT, "",
              "the call is not legal while its stream is captured, or no capture is under way; " + said};
    default:
      return {WL_STATUS_INTERNAL, "", said};
  }
}

void fail_cuda(cudaError_t error, const char* call) {
  CudaVersions versions;
  const std::string text = cudaGetErrorString(error);
  if (cudaDriverGetVersion(&versions.driver) != cudaSuccess) versions.driver = 0;
  if (cudaRuntimeGetVersion(&versions.runtime) != cudaSuccess) versions.runtime = 0;
  cudaGetLastError();
  throw failure_of(error, call, text.c_str(), versions);
}

}  // namespace wl::cuda
