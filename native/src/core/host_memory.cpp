#include "core/host_memory.h"

#include "core/failure.h"
#include "core/handles.h"
#include "core/system.h"

namespace wl {

void* host_alloc(uint64_t bytes, HandleKind kind) {
  const auto allocate = [bytes] {
    void* memory = aligned_allocate(bytes == 0 ? 1 : bytes);
    if (memory == nullptr) {
      throw Failure{WL_STATUS_OUT_OF_MEMORY, "bytes",
                    "bytes is " + text(bytes) + "; the system has no such block"};
    }
    return memory;
  };
  return keep_handle({kind}, allocate, aligned_free);
}

void host_free(void* memory) {
  if (memory == nullptr) return;
  take_handle(memory, HandleKind::kHostMemory, "memory");
  aligned_free(memory);
}

}  // namespace wl
