#include "cuda/runtime/kernel.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "cuda/runtime/device.h"
#include "cuda/runtime/errors.h"

namespace wl::cuda {
namespace {

// The list is built by static constructors and read afterwards.
constinit const KernelBase* g_first = nullptr;

// Shared memory that a block may have without asking.
constexpr uint32_t kSharedBytesByDefault = 48 * 1024;

struct Prepared {
  std::mutex mutex;
  std::set<std::pair<const KernelBase*, int>> done;
};
Prepared& prepared() {
  static Prepared* instance = new Prepared;  // never destroyed: launches may outlive static destructors
  return *instance;
}

}  // namespace

KernelBase::KernelBase(const char* name, const void* function, uint32_t shared_bytes) noexcept
    : name_(name), function_(function), shared_bytes_(shared_bytes), next_(g_first) {
  g_first = this;
}

void KernelBase::prepare(int device) const {
  const bool asks = shared_bytes_ > kSharedBytesByDefault;
  {
    const std::lock_guard lock(prepared().mutex);
    if (!prepared().done.contains({this, device})) {
      cudaFuncAttributes attributes{};
      check(cudaFuncGetAttributes(&attributes, function_), "cudaFuncGetAttributes");
      const int available = asks ? largest_shared_bytes(device) : 0;
      if (asks && static_cast<int64_t>(shared_bytes_) > available) {
        fail(WL_STATUS_UNSUPPORTED, "device", text(device),
             "a GPU whose blocks have " + text(shared_bytes_) + " bytes of shared memory, for " + name_ +
                 "; this one has " + text(available));
      }
      prepared().done.insert({this, device});
    }
  }
  // Every time: the attribute belongs to the context, and a device may have several.
  if (asks) {
    check(cudaFuncSetAttribute(function_, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(shared_bytes_)),
          "cudaFuncSetAttribute");
  }
}

int KernelBase::blocks_per_multiprocessor(int device, uint32_t threads, uint32_t shared_bytes) const {
  prepare(device);
  int blocks = 0;
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function_, static_cast<int>(threads),
                                                      shared_bytes),
        "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  return blocks;
}

void prepare_kernels(int device) {
  const int available = largest_shared_bytes(device);
  for (const KernelBase* kernel = g_first; kernel != nullptr; kernel = kernel->next_) {
    // Instances for larger devices are never chosen here.
    if (static_cast<int64_t>(kernel->shared_bytes_) <= available) kernel->prepare(device);
  }
}

}  // namespace wl::cuda
