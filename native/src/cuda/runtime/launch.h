// Launching a kernel: `launch(kKernel, {.grid = {blocks}, .threads = 128}, where, parameters)`.
#pragma once

#include <cstdint>

#include "core/launch.h"
#include "cuda/runtime/kernel.h"

namespace wl::cuda {

struct GridSize {
  uint32_t x = 1, y = 1, z = 1;
};

struct LaunchShape {
  GridSize grid;
  uint32_t threads = 1;       // of a block
  uint32_t shared_bytes = 0;  // dynamic, at most the kernel's
  bool cooperative = false;   // all blocks run at once, so that they may wait for each other
  bool dependent = false;  // may begin before its predecessor in the stream has ended (griddepcontrol.wait)
};

// Enqueues on the launch's stream; the device is the current one. A grid without blocks is no launch. Reports only this
// launch's own errors.
void launch_kernel(const KernelBase& kernel, const LaunchShape& shape, const Launch& at,
                   const void* parameters);

template <class Parameters>
void launch(const Kernel<Parameters>& kernel, const LaunchShape& shape, const Launch& at,
            const Parameters& parameters) {
  launch_kernel(kernel, shape, at, &parameters);
}

}  // namespace wl::cuda
