// Kernels: attributes, occupancy and launches.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "emulator/host/state.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

constexpr unsigned kThreadsOfBlock = 1024, kThreadsOfMultiprocessor = 2048, kBlocksOfMultiprocessor = 32;
constexpr uint64_t kSharedReserved = 1024;  // of each block, by the system

KernelState* find_kernel(Host& h, const void* function) {
  const auto found = h.kernels.find(function);
  return found == h.kernels.end() ? nullptr : &found->second;
}

uint64_t occupancy(const Host& h, unsigned threads, uint64_t shared_bytes) {
  const unsigned rounded = (threads + 31) / 32 * 32;
  const uint64_t shared = static_cast<uint64_t>(h.settings.shared_bytes) + kSharedReserved;
  return std::min({uint64_t{kThreadsOfMultiprocessor / rounded}, uint64_t{kBlocksOfMultiprocessor},
                   shared / (shared_bytes + kSharedReserved)});
}

bool mapped(uintptr_t address) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  unsigned char resident = 0;
  return mincore(reinterpret_cast<void*>(address / page * page), page, &resident) == 0;
}

// Words of the parameters that look like addresses of memory that is there, but not the device's. One past the end of a block is
// legal.
cudaError_t check_parameters(Host& h, const KernelEntry& kernel, const void* parameters) {
#if defined(__SANITIZE_ADDRESS__)
  constexpr uintptr_t kLowest = 0x100080000000;  // below lies the sanitizer's shadow, mapped as a whole
#else
  constexpr uintptr_t kLowest = uintptr_t{1} << 32;
#endif
  constexpr uintptr_t kHighest = uintptr_t{1} << 47;
  for (size_t at = 0; at + sizeof(uintptr_t) <= kernel.parameter_bytes; at += sizeof(uintptr_t)) {
    uintptr_t word = 0;
    std::memcpy(&word, static_cast<const char*>(parameters) + at, sizeof word);
    if (word < kLowest || word >= kHighest) continue;
    if (meets_device_memory(h, reinterpret_cast<const void*>(word - 1), 2) || !mapped(word)) continue;
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(word));
    return wrong_pointer(h, std::string(kernel.name) + ": the parameter at byte " + std::to_string(at) +
                                " is " + text + ", an address of the host; it must be memory of the device");
  }
  return cudaSuccess;
}

struct LaunchKinds {
  bool cooperative = false, dependent = false;
};
LaunchKinds read_attributes(const cudaLaunchConfig_t& config) {
  LaunchKinds kinds;
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    const cudaLaunchAttribute& attribute = config.attrs[i];
    if (attribute.id == cudaLaunchAttributeCooperative) kinds.cooperative = attribute.val.cooperative != 0;
    if (attribute.id == cudaLaunchAttributeProgrammaticStreamSerialization)
      kinds.dependent = attribute.val.programmaticStreamSerializationAllowed != 0;
  }
  return kinds;
}

cudaError_t check_shape(const Host& h, const KernelState& kernel, const cudaLaunchConfig_t& config,
                        bool cooperative) {
  const auto in = [](unsigned value, unsigned largest) { return value >= 1 && value <= largest; };
  const dim3 &grid = config.gridDim, &block = config.blockDim;
  if (!in(grid.x, 0x7fffffff) || !in(grid.y, 65535) || !in(grid.z, 65535) || !in(block.x, kThreadsOfBlock) ||
      block.y != 1 || block.z != 1) {
    return cudaErrorInvalidConfiguration;
  }
  if (config.dynamicSmemBytes > static_cast<size_t>(kernel.dynamic_shared_bytes))
    return cudaErrorInvalidValue;
  if (!cooperative) return cudaSuccess;
  const uint64_t blocks = uint64_t{grid.x} * grid.y * grid.z;
  const uint64_t resident =
      occupancy(h, block.x, config.dynamicSmemBytes) * static_cast<uint64_t>(h.settings.multiprocessors);
  return blocks > resident ? cudaErrorCooperativeLaunchTooLarge : cudaSuccess;
}

}  // namespace

void register_kernel(const void* function, const KernelEntry& entry) {
  const std::lock_guard lock(host().mutex);
  host().kernels[function].entry = entry;
}

std::vector<std::string> kernel_names() {
  const std::lock_guard lock(host().mutex);
  std::vector<std::string> names;
  for (const auto& [function, kernel] : host().kernels) names.emplace_back(kernel.entry.name);
  return names;
}

void set_launch_fault(LaunchFault fault) {
  const std::lock_guard lock(host().mutex);
  host().launch_fault = std::move(fault);
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  return host_call([&](Host& h, Lock&) {
    KernelState* kernel = find_kernel(h, function);
    if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
        value > h.settings.shared_bytes)
      return cudaErrorInvalidValue;
    kernel->dynamic_shared_bytes = value;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
  return host_call([&](Host& h, Lock&) {
    const KernelState* kernel = find_kernel(h, function);
    if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
    attributes->maxDynamicSharedSizeBytes = kernel->dynamic_shared_bytes;
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* function, int threads,
                                                          size_t dynamic_shared_bytes) {
  return host_call([&](Host& h, Lock&) {
    if (find_kernel(h, function) == nullptr) return cudaErrorInvalidDeviceFunction;
    if (threads < 1 || threads > static_cast<int>(kThreadsOfBlock)) return cudaErrorInvalidValue;
    *blocks = static_cast<int>(occupancy(h, static_cast<unsigned>(threads), dynamic_shared_bytes));
    return cudaSuccess;
  });
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* function, void** arguments) {
  return host_call([&](Host& h, Lock&) {
    Stream* stream = find_stream(h, config->stream);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    const KernelState* kernel = find_kernel(h, function);
    if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
    ++h.counts.launches;
    const LaunchKinds kinds = read_attributes(*config);
    const auto call = kernel->entry.make_call(function, arguments[0]);
    cudaError_t error = check_shape(h, *kernel, *config, kinds.cooperative);
    if (error == cudaSuccess) error = check_parameters(h, kernel->entry, call.get());
    if (error != cudaSuccess) return error;
    GridShape shape;
    shape.grid = {config->gridDim.x, config->gridDim.y, config->gridDim.z};
    shape.threads = config->blockDim.x;
    shape.shared_bytes = static_cast<uint32_t>(config->dynamicSmemBytes);
    shape.co_resident = kinds.cooperative;
    shape.dependent = kinds.dependent;
    if (h.launch_fault) h.launch_fault(kernel->entry.name, shape, call.get());
    const KernelEntry entry = kernel->entry;
    return enqueue(h, *stream, [entry, shape, call](const LaunchOrder& order) {
      if (run_grid(shape, order, entry.thunk, call.get(), entry.name)) return;
      const size_t count = finding_count();
      const Finding latest = count ? finding(count - 1) : Finding{"failed", ""};
      Host& owner = host();
      const std::lock_guard lock(owner.mutex);
      if (owner.failure.empty()) {
        owner.failure = std::string(entry.name) + ": " + latest.kind + ": " + latest.text;
      }
    });
  });
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
