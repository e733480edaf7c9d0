// What the library handed out and must get back: blocks of memory, streams, events, graphs. Counted by wl_live_handles.
#pragma once

#include <cstdint>

namespace wl {

enum class HandleKind : uint8_t { kHostMemory, kDeviceMemory, kStream, kEvent, kGraph };

struct HandleOwner {
  HandleKind kind;
  int32_t device_kind = 0, device_index = 0;
};

// Throws bad_alloc, and then keeps nothing.
void add_handle(void* handle, const HandleOwner& owner);
// The owner of a live handle of this kind; fails with INVALID_ARGUMENT where there is none. `name` is the parameter's.
HandleOwner find_handle(void* handle, HandleKind kind, const char* name);
// As find_handle, and forgets it.
HandleOwner take_handle(void* handle, HandleKind kind, const char* name);
int64_t live_handles() noexcept;

// Keeps a handle that `make` makes; `destroy` takes it back where it cannot be kept.
template <class Make, class Destroy>
void* keep_handle(const HandleOwner& owner, Make&& make, Destroy&& destroy) {
  void* handle = make();
  try {
    add_handle(handle, owner);
  } catch (...) {
    destroy(handle);
    throw;
  }
  return handle;
}

}  // namespace wl
