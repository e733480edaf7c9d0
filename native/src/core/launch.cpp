#include "core/launch.h"

#include "core/cuda_backend.h"
#include "core/params.h"

namespace wl {
namespace {

constexpr const char* kWithoutCpu = "CUDA (1): this library was built without the CPU backend";

void require_device(int32_t kind, const char* kind_name, int32_t index, const char* index_name,
                    bool current) {
  if (kind != WL_DEVICE_CPU && kind != WL_DEVICE_CUDA) invalid(kind_name, text(kind), "CPU (0) or CUDA (1)");
  if (kind == WL_DEVICE_CPU) {
    if (!kHoldsCpu) fail(WL_STATUS_UNSUPPORTED, kind_name, "CPU (0)", kWithoutCpu);
    if (index != 0) fail(WL_STATUS_NO_DEVICE, index_name, text(index), "0: there is one CPU device");
    return;
  }
  const CudaBackend* cuda = cuda_backend();
  if (cuda == nullptr)
    fail(WL_STATUS_NO_DEVICE, kind_name, "CUDA (1)", "CPU (0): this library was built without CUDA");
  (current ? cuda->require_current : cuda->require_device)(index, index_name);
}

Launch read(const wl_launch* at, bool current) {
  if (at == nullptr) {
    if (!kHoldsCpu) fail(WL_STATUS_UNSUPPORTED, "at", "NULL, which means the CPU", kWithoutCpu);
    return {};
  }
  const wl_launch launch = read_params(at, "at");
  require_device(launch.device_kind, "at.device_kind", launch.device_index, "at.device_index", current);
  if (launch.device_kind == WL_DEVICE_CPU && launch.stream != nullptr)
    invalid("at.stream", "not NULL", "NULL on the CPU");
  require_flags(launch.flags, WL_FLAG_BATCH_INVARIANT, "at.flags");
  Launch checked;
  checked.device_kind = launch.device_kind;
  checked.device_index = launch.device_index;
  checked.flags = launch.flags;
  checked.batch_invariant = (launch.flags & WL_FLAG_BATCH_INVARIANT) != 0;
  checked.stream = launch.stream;
  checked.workspace = launch.workspace;
  checked.workspace_bytes = launch.workspace_bytes;
  return checked;
}

}  // namespace

Launch read_launch(const wl_launch* at) { return read(at, true); }
Launch read_place(const wl_launch* at) { return read(at, false); }

Launch read_device(int32_t kind, int32_t index) {
  require_device(kind, "kind", index, "index", false);
  Launch place;
  place.device_kind = kind;
  place.device_index = index;
  return place;
}

void require_workspace(const Launch& launch, uint64_t bytes) {
  if (bytes == 0) return;
  if (launch.workspace == nullptr)
    invalid("at.workspace", "NULL", "the address of " + text(bytes) + " bytes");
  if (launch.workspace_bytes < bytes)
    invalid("at.workspace_bytes", text(launch.workspace_bytes), "at least " + text(bytes));
  if (reinterpret_cast<uintptr_t>(launch.workspace) % 256 != 0)
    invalid("at.workspace", "misaligned", "aligned to 256 bytes");
}

}  // namespace wl
