// How tests steer and question the emulated host side, and how a kernel is made known to it (under nvcc the compiler does
// that).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "emulator/host/cuda_api.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

// ---- The machine that is emulated.
struct HostSettings {
  int devices = 1;
  cudaError_t failure = cudaSuccess;  // what every call says, cudaErrorNoDevice for instance
  int driver_version = 12040;         // 0: no driver
  int major = 8, minor = 0, multiprocessors = 16;
  int shared_bytes = 163 * 1024;  // of a block at most
  uint64_t memory_bytes = uint64_t{16} << 30;
  uint64_t skipped_event_wait =
      0;  // mutation: the n-th cudaStreamWaitEvent from now on does nothing; 0: none
};
// Not while work is enqueued or memory allocated.
void configure_host(const HostSettings& settings);
HostSettings host_settings();

// ---- Calls since clear_host_counts(). WARPLINE_EMULATOR_COUNTS names a file that receives them when the process ends.
struct HostCounts {
  uint64_t synchronisations = 0;  // of streams and events
  uint64_t allocations = 0, frees = 0;
  uint64_t copies = 0, fills = 0, launches = 0, graph_launches = 0;  // as called; a captured call counts once
  uint64_t illegal_in_capture = 0;
  uint64_t wrong_pointers = 0;  // host memory where device memory belongs, or the reverse
};
HostCounts host_counts();
void clear_host_counts();
// Texts of the wrong pointers.
std::vector<std::string> host_findings();

// ---- Kernels
struct KernelEntry {
  const char* name;
  size_t parameter_bytes;
  KernelThunk thunk;
  // A copy of the parameters, its padding cleared, as `thunk` takes it.
  std::shared_ptr<void> (*make_call)(const void* function, const void* parameters);
};
void register_kernel(const void* function, const KernelEntry& entry);
// Of all kernels.
std::vector<std::string> kernel_names();
// Data faults: sees each launch from now on, and may change its grid and its copy of the parameters. Empty: none.
using LaunchFault = std::function<void(const char* kernel, GridShape& shape, void* parameters)>;
void set_launch_fault(LaunchFault fault);

template <class Parameters>
struct KernelCall {
  Parameters parameters;  // first: a call's address is theirs
  void (*function)(const Parameters);
};
template <class Parameters>
void register_kernel(void (*function)(const Parameters), const char* name) {
  using Call = KernelCall<Parameters>;
  register_kernel(reinterpret_cast<const void*>(function),
                  {name, sizeof(Parameters),
                   [](const void* call) {
                     const auto& c = *static_cast<const Call*>(call);
                     c.function(c.parameters);
                   },
                   [](const void* address, const void* parameters) -> std::shared_ptr<void> {
                     auto call = std::make_shared<Call>(
                         Call{*static_cast<const Parameters*>(parameters),
                              reinterpret_cast<void (*)(const Parameters)>(const_cast<void*>(address))});
                     __builtin_clear_padding(&call->parameters);
                     return call;
                   }});
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
