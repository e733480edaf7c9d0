// What the operating system says of this machine: the only file of the core that differs between systems.
#pragma once

#include <cstdint>
#include <string>

namespace wl {

// Logical processors that the process may use.
int processor_count();
uint64_t memory_bytes();
std::string processor_name();

// Memory aligned to 256 bytes; nullptr where the system has none. Freed with aligned_free.
void* aligned_allocate(uint64_t bytes) noexcept;
void aligned_free(void* memory) noexcept;

}  // namespace wl
