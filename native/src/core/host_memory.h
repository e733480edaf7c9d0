// Host memory of the C# layer: tensors, packed weights, caches.
#pragma once

#include <cstdint>

namespace wl {

void* host_alloc(uint64_t bytes);
void host_free(void* memory);
int64_t live_handles() noexcept;

}  // namespace wl
