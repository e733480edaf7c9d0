// Memory of devices, from a pool of the library's own on each device, in the order of a stream.
#pragma once

#include <cstdint>

#include "core/launch.h"

namespace wl::cuda {

// Usable by work that comes after in the stream; by other streams after an event or a synchronisation. 256-byte aligned.
void* allocate(uint64_t bytes, const Launch& at);
void release(void* memory, const Launch& at);
// Gives what the pools keep back to the devices.
void trim_pools();

// `direction` is one of WL_COPY_*.
void copy(void* destination, const void* source, uint64_t bytes, int32_t direction, const Launch& at);
void fill(void* destination, int32_t value, uint64_t bytes, const Launch& at);

}  // namespace wl::cuda
