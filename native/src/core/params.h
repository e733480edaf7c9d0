// Reading structs that a client of another version may have compiled.
#pragma once

#include <cstring>

#include "core/failure.h"

namespace wl {

// Checks struct_size and the bytes beyond what this library knows; returns how many bytes may be copied.
size_t readable_bytes(const void* params, uint32_t struct_size, size_t known_size, const char* name);

// How many bytes of an output struct may be written: the caller's size, at most the library's.
size_t writable_bytes(uint32_t struct_size, size_t known_size, const char* name);

// A copy of the caller's struct: fields that an older client does not have are zero.
template <class T>
T read_params(const T* params, const char* name = "params") {
  if (params == nullptr) invalid(name, "NULL", "the address of a struct");
  T copy{};
  std::memcpy(static_cast<void*>(&copy), params,
              readable_bytes(params, params->struct_size, sizeof(T), name));
  copy.struct_size = sizeof(T);
  return copy;
}

// Flags must be among those that the library knows.
void require_flags(uint32_t flags, uint32_t known, const char* name);

}  // namespace wl
