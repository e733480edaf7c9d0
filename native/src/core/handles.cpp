#include "core/handles.h"

#include <mutex>
#include <string>
#include <unordered_map>

#include "core/failure.h"

namespace wl {
namespace {

struct Handles {
  std::mutex mutex;
  std::unordered_map<void*, HandleOwner> live;
};
// Never destroyed: finalizers of a managed caller may still give handles back while the process ends.
Handles& handles() {
  static Handles* instance = new Handles;
  return *instance;
}

const char* maker(HandleKind kind) {
  switch (kind) {
    case HandleKind::kHostMemory:
      return "wl_host_alloc that was not freed";
    case HandleKind::kDeviceMemory:
      return "wl_device_alloc that was not freed";
    case HandleKind::kStream:
      return "wl_stream_create that was not destroyed";
    case HandleKind::kEvent:
      return "wl_event_create that was not destroyed";
    default:
      return "wl_graph_end_capture that was not destroyed";
  }
}

HandleOwner find(void* handle, HandleKind kind, const char* name, bool forget) {
  const std::lock_guard lock(handles().mutex);
  const auto found = handles().live.find(handle);
  if (found == handles().live.end() || found->second.kind != kind)
    invalid(name, "an address that is not live", std::string("an address from ") + maker(kind));
  const HandleOwner owner = found->second;
  if (forget) handles().live.erase(found);
  return owner;
}

}  // namespace

void add_handle(void* handle, const HandleOwner& owner) {
  const std::lock_guard lock(handles().mutex);
  handles().live.emplace(handle, owner);
}

HandleOwner find_handle(void* handle, HandleKind kind, const char* name) {
  return find(handle, kind, name, false);
}
HandleOwner take_handle(void* handle, HandleKind kind, const char* name) {
  return find(handle, kind, name, true);
}

int64_t live_handles() noexcept {
  const std::lock_guard lock(handles().mutex);
  return static_cast<int64_t>(handles().live.size());
}

}  // namespace wl
