#include "core/host_memory.h"

#include <mutex>
#include <unordered_set>

#include "core/failure.h"
#include "core/system.h"

namespace wl {
namespace {

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
  void* memory = aligned_allocate(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) {
    throw Failure{WL_STATUS_OUT_OF_MEMORY, "bytes",
                  "bytes is " + text(bytes) + "; the system has no such block"};
  }
  const std::lock_guard lock(blocks().mutex);
  try {
    blocks().live.insert(memory);
  } catch (...) {
    aligned_free(memory);
    throw;
  }
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
  aligned_free(memory);
}

int64_t live_handles() noexcept {
  const std::lock_guard lock(blocks().mutex);
  return static_cast<int64_t>(blocks().live.size());
}

}  // namespace wl
