#include <unistd.h>
#include <warpline/core.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "core/cuda_backend.h"
#include "core/failure.h"
#include "core/handles.h"
#include "core/host_memory.h"
#include "core/options.h"
#include "core/params.h"
#include "core/system.h"
#include "cpu/scratch.h"

#define WL_TEXT_(x) #x
#define WL_TEXT(x) WL_TEXT_(x)

namespace {

void require_kind(int32_t kind) {
  if (kind != WL_DEVICE_CPU && kind != WL_DEVICE_CUDA)
    wl::invalid("kind", wl::text(kind), "CPU (0) or CUDA (1)");
}

template <size_t N>
void copy_text(char (&target)[N], const std::string& source) {
  std::snprintf(target, N, "%s", source.c_str());
}

}  // namespace

extern "C" {

const char* wl_version(void) {
  return WL_TEXT(WL_VERSION_MAJOR) "." WL_TEXT(WL_VERSION_MINOR) "." WL_TEXT(WL_VERSION_PATCH);
}

int32_t wl_abi_version(void) { return WL_ABI_VERSION; }

const char* wl_status_string(wl_status status) {
  switch (status) {
    case WL_STATUS_OK:
      return "ok";
    case WL_STATUS_INVALID_ARGUMENT:
      return "invalid argument";
    case WL_STATUS_UNSUPPORTED:
      return "unsupported";
    case WL_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case WL_STATUS_NO_DEVICE:
      return "no device";
    case WL_STATUS_INTERNAL:
      return "internal error";
    default:
      return "unknown status";
  }
}

const char* wl_last_error(void) { return wl::last_error(); }
const char* wl_last_error_parameter(void) { return wl::last_error_parameter(); }
const char* wl_last_kernel(void) { return wl::last_kernel(); }
int64_t wl_live_handles(void) { return wl::live_handles(); }
uint64_t wl_scratch_bytes(void) {
  if constexpr (wl::kHoldsCpu)
    return wl::cpu::scratch_bytes();
  else
    return 0;
}

wl_status wl_device_count(int32_t kind, int32_t* count) {
  return wl::guard("wl_device_count", [&] {
    require_kind(kind);
    if (count == nullptr) wl::invalid("count", "NULL", "an address");
    const wl::CudaBackend* cuda = wl::cuda_backend();
    *count = kind == WL_DEVICE_CPU ? (wl::kHoldsCpu ? 1 : 0) : cuda == nullptr ? 0 : cuda->device_count();
  });
}

wl_status wl_device_get_info(int32_t kind, int32_t index, wl_device_info* info) {
  return wl::guard("wl_device_get_info", [&] {
    const wl::Launch device = wl::read_device(kind, index);
    if (info == nullptr) wl::invalid("info", "NULL", "the address of a struct");
    const size_t bytes = wl::writable_bytes(info->struct_size, sizeof *info, "info");
    wl_device_info result{};
    result.struct_size = info->struct_size;
    if (device.cuda()) {
      wl::cuda_table().device_info(index, &result);
    } else {
      result.kind = WL_DEVICE_CPU;
      result.compute_units = wl::processor_count();
      result.memory_bytes = wl::memory_bytes();
      copy_text(result.name, wl::processor_name());
      copy_text(result.isa, wl::isa_name(wl::isa()));
    }
    std::memcpy(info, &result, bytes);
  });
}

wl_status wl_set_option(const char* name, const char* value) {
  return wl::guard("wl_set_option", [&] { wl::set_option(name, value); });
}

wl_status wl_get_option(const char* name, char* value, uint64_t value_bytes) {
  return wl::guard("wl_get_option", [&] {
    const std::string current = wl::get_option(name);
    if (value == nullptr) wl::invalid("value", "NULL", "a buffer");
    if (value_bytes <= current.size()) {
      wl::invalid("value_bytes", wl::text(value_bytes), "at least " + wl::text(uint64_t{current.size() + 1}));
    }
    std::memcpy(value, current.c_str(), current.size() + 1);
  });
}

wl_status wl_host_alloc(uint64_t bytes, void** result) {
  return wl::guard("wl_host_alloc", [&] {
    if (result == nullptr) wl::invalid("result", "NULL", "an address");
    *result = nullptr;
    *result = wl::host_alloc(bytes);
  });
}

wl_status wl_host_free(void* memory) {
  return wl::guard("wl_host_free", [&] { wl::host_free(memory); });
}

wl_status wl_trim(void) {
  return wl::guard("wl_trim", [] {
    if constexpr (wl::kHoldsCpu) wl::cpu::trim_scratch();
    if (const wl::CudaBackend* cuda = wl::cuda_backend()) cuda->trim();
  });
}

}  // extern "C"
