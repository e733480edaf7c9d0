// Host memory of the C# layer: tensors, packed weights, caches; and memory of the CPU as a device.
#pragma once

#include <cstdint>

#include "core/handles.h"

namespace wl {

void* host_alloc(uint64_t bytes, HandleKind kind = HandleKind::kHostMemory);
void host_free(void* memory);

}  // namespace wl
