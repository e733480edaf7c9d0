#include "core/host_memory.h"

#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_set>

#include "core/failure.h"

namespace wl {
namespace {

constexpr uint64_t kAlignment = 256;

struct Blocks {
  std::mutex mutex;
  std::unordered_set<void*> live;
};
// Never destroyed: finalizers of a managed caller may still free blocks while the process ends.
Blocks& blocks() {
  static Blocks* instance = new Blocks;
  return *instance;
}

}  // namespace

void* host_alloc(uint64_t bytes) {
  if (bytes > UINT64_MAX - kAlignment) throw std::bad_alloc();
  const uint64_t rounded = bytes == 0 ? kAlignment : (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = std::aligned_alloc(kAlignment, rounded);
  if (memory == nullptr) {
    throw Failure{WL_STATUS_OUT_OF_MEMORY, "bytes",
                  "bytes is " + text(bytes) + "; the system has no such block"};
  }
  const std::lock_guard lock(blocks().mutex);
  blocks().live.insert(memory);
  return memory;
}

void host_free(void* memory) {
  if (memory == nullptr) return;
  {
    const std::lock_guard lock(blocks().mutex);
    if (blocks().live.erase(memory) == 0) {
      invalid("memory", "an address that is not live", "an address from wl_host_alloc that was not freed");
    }
  }
  std::free(memory);
}

int64_t live_handles() noexcept {
  const std::lock_guard lock(blocks().mutex);
  return static_cast<int64_t>(blocks().live.size());
}

}  // namespace wl
