#include "core/params.h"

#include <algorithm>
#include <cstdio>

namespace wl {
namespace {

constexpr uint32_t kLargestStruct = 1 << 16;  // Larger sizes are garbage, not a newer client.

std::string hex(uint32_t value) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "0x%x", value);
  return buffer;
}

void require_struct_size(uint32_t struct_size, size_t known_size, const std::string& field) {
  if (struct_size < 8 || struct_size > kLargestStruct) {
    invalid(field, text(struct_size),
            "the size of the struct, " + text(uint64_t{known_size}) + " in this version");
  }
}

}  // namespace

size_t readable_bytes(const void* params, uint32_t struct_size, size_t known_size, const char* name) {
  const std::string field = std::string(name) + ".struct_size";
  require_struct_size(struct_size, known_size, field);
  const auto* bytes = static_cast<const unsigned char*>(params);
  for (size_t i = known_size; i < struct_size; ++i) {
    if (bytes[i] != 0) {
      fail(WL_STATUS_UNSUPPORTED, field, text(struct_size) + " with byte " + text(uint64_t{i}) + " set",
           "at most " + text(uint64_t{known_size}) +
               ", or zero beyond: this library is older than its client");
    }
  }
  return std::min<size_t>(struct_size, known_size);
}

size_t writable_bytes(uint32_t struct_size, size_t known_size, const char* name) {
  require_struct_size(struct_size, known_size, std::string(name) + ".struct_size");
  return std::min<size_t>(struct_size, known_size);
}

void require_flags(uint32_t flags, uint32_t known, const char* name) {
  if ((flags & ~known) != 0) {
    fail(WL_STATUS_UNSUPPORTED, name, hex(flags), "a combination of " + hex(known));
  }
}

}  // namespace wl
