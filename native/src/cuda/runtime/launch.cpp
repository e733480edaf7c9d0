#include "cuda/runtime/launch.h"

#include "core/failure.h"
#include "cuda/runtime/device.h"
#include "cuda/runtime/errors.h"

namespace wl::cuda {

void launch_kernel(const KernelBase& kernel, const LaunchShape& shape, const Launch& at,
                   const void* parameters) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
  kernel.prepare(at.device_index);
  cudaLaunchAttribute attributes[2];
  unsigned count = 0;
  if (shape.cooperative) {
    attributes[count].id = cudaLaunchAttributeCooperative;
    attributes[count++].val.cooperative = 1;
  }
  // Before 9.0 a launch always waits for its predecessor.
  if (shape.dependent && compute_capability(at.device_index) >= 90) {
    attributes[count].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[count++].val.programmaticStreamSerializationAllowed = 1;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = dim3{shape.grid.x, shape.grid.y, shape.grid.z};
  config.blockDim = dim3{shape.threads, 1, 1};
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = static_cast<cudaStream_t>(at.stream);
  config.attrs = attributes;
  config.numAttrs = count;
  void* arguments[] = {const_cast<void*>(parameters)};
  check(cudaLaunchKernelExC(&config, kernel.function(), arguments), kernel.name());
  set_last_kernel(kernel.name());
}

}  // namespace wl::cuda
