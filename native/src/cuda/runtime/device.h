// Devices: which there are, which kernels they run, and which one is current.
#pragma once

#include <warpline/core.h>

#include <optional>

#include "cuda/runtime/api.h"

namespace wl::cuda {

// The code that a device of a compute capability runs: the images of sm_80 or sm_90, or sm_80's PTX compiled by the
// driver.
struct KernelImage {
  int architecture;  // 80 or 90: selects among tuning tables
  bool from_ptx;
};
// nullopt where the library holds no code for it. Pure.
std::optional<KernelImage> kernel_image(int major, int minor);

// Devices that this library can use: 0 without a driver or a GPU.
int device_count();
void device_info(int index, wl_device_info* info);
void require_device(int index, const char* name);
void require_current(int index, const char* name);

// Facts that launchers select by.
int multiprocessors(int index);
int largest_shared_bytes(int index);  // dynamic shared memory that a block may ask for
int architecture(int index);          // of its kernel image
int compute_capability(int index);    // 86 for 8.6

// Makes a device current while it lives, then the caller's own again.
class DeviceScope {
 public:
  explicit DeviceScope(int index);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int previous_ = 0;
  bool changed_ = false;
};

}  // namespace wl::cuda
