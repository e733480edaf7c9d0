#include <warpline/device.h>

#include <cstring>
#include <string>

#include "core/cuda_backend.h"
#include "core/failure.h"
#include "core/handles.h"
#include "core/host_memory.h"
#include "core/launch.h"
#include "core/params.h"
#include "core/system.h"

namespace {

using namespace wl;

// A place on CUDA. `what` is what the CPU does not have.
Launch read_cuda_place(const wl_launch* at, const char* what) {
  const Launch place = read_place(at);
  if (!place.cuda())
    fail(WL_STATUS_UNSUPPORTED, "at.device_kind", "CPU (0)", std::string("CUDA (1): the CPU has no ") + what);
  return place;
}

Launch read_cuda_device(int32_t kind, int32_t index, const char* what) {
  const Launch place = read_device(kind, index);
  if (!place.cuda())
    fail(WL_STATUS_UNSUPPORTED, "kind", "CPU (0)", std::string("CUDA (1): the CPU has no ") + what);
  return place;
}

const CudaBackend& require_cuda() {
  const CudaBackend* cuda = cuda_backend();
  if (cuda == nullptr) throw Failure{WL_STATUS_NO_DEVICE, "", "this library was built without CUDA"};
  return *cuda;
}

void require_address(const void* address, const char* name) {
  if (address == nullptr) invalid(name, "NULL", "an address");
}

void require_range(const void* address, uint64_t bytes, const char* name) {
  if (address == nullptr && bytes > 0) invalid(name, "NULL", "the address of " + text(bytes) + " bytes");
  if (bytes > UINT64_MAX - reinterpret_cast<uintptr_t>(address))
    invalid("bytes", text(bytes), "small enough for the address space");
}

// Takes a handle back and has it destroyed; where that fails it stays the caller's.
template <class Destroy>
void give_back(void* handle, HandleKind kind, const char* name, Destroy&& destroy_it) {
  const HandleOwner owner = take_handle(handle, kind, name);
  try {
    destroy_it(handle);
  } catch (...) {
    add_handle(handle, owner);
    throw;
  }
}

void destroy(void* handle, HandleKind kind, const char* name, void (*CudaBackend::*entry)(void*)) {
  if (handle == nullptr) return;
  // A library without CUDA has no handles: none gets past give_back.
  give_back(handle, kind, name, [entry](void* live) { (cuda_table().*entry)(live); });
}

}  // namespace

extern "C" {

wl_status wl_device_prepare(int32_t kind, int32_t index) {
  return guard("wl_device_prepare", [&] {
    if (read_device(kind, index).cuda()) cuda_table().prepare(index);
  });
}

wl_status wl_device_alloc(uint64_t bytes, const wl_launch* at, void** result) {
  return guard("wl_device_alloc", [&] {
    require_address(result, "result");
    *result = nullptr;
    const Launch place = read_place(at);
    if (!place.cuda()) {
      *result = host_alloc(bytes, HandleKind::kDeviceMemory);
      return;
    }
    const CudaBackend& cuda = cuda_table();
    *result = keep_handle(
        {HandleKind::kDeviceMemory, place.device_kind, place.device_index},
        [&] { return cuda.allocate(bytes, place); }, [&](void* memory) { cuda.release(memory, place); });
  });
}

wl_status wl_device_free(void* memory, const wl_launch* at) {
  return guard("wl_device_free", [&] {
    if (memory == nullptr) return;
    const Launch place = read_place(at);
    const HandleOwner owner = find_handle(memory, HandleKind::kDeviceMemory, "memory");
    if (owner.device_kind != place.device_kind || owner.device_index != place.device_index) {
      invalid("at", place.cuda() ? "CUDA device " + text(place.device_index) : "the CPU",
              owner.device_kind == WL_DEVICE_CUDA
                  ? "CUDA device " + text(owner.device_index) + ", where the memory is"
                  : std::string("the CPU, where the memory is"));
    }
    give_back(memory, HandleKind::kDeviceMemory, "memory", [&](void* block) {
      if (place.cuda()) {
        cuda_table().release(block, place);
      } else {
        aligned_free(block);
      }
    });
  });
}

wl_status wl_copy(void* destination, const void* source, uint64_t bytes, int32_t direction,
                  const wl_launch* at) {
  return guard("wl_copy", [&] {
    const Launch place = read_place(at);
    if (direction < WL_COPY_TO_DEVICE || direction > WL_COPY_ON_DEVICE)
      invalid("direction", text(direction), "TO_DEVICE (1), TO_HOST (2) or ON_DEVICE (3)");
    require_range(destination, bytes, "destination");
    require_range(source, bytes, "source");
    if (bytes == 0) return;
    if (place.cuda()) {
      cuda_table().copy(destination, source, bytes, direction, place);
    } else {
      std::memcpy(destination, source, bytes);
    }
  });
}

wl_status wl_fill(void* destination, int32_t value, uint64_t bytes, const wl_launch* at) {
  return guard("wl_fill", [&] {
    const Launch place = read_place(at);
    if (value < 0 || value > 255) invalid("value", text(value), "from 0 to 255");
    require_range(destination, bytes, "destination");
    if (bytes == 0) return;
    if (place.cuda()) {
      cuda_table().fill(destination, value, bytes, place);
    } else {
      std::memset(destination, value, bytes);
    }
  });
}

wl_status wl_stream_create(int32_t kind, int32_t index, void** stream) {
  return guard("wl_stream_create", [&] {
    require_address(stream, "stream");
    *stream = nullptr;
    const Launch place = read_cuda_device(kind, index, "streams");
    const CudaBackend& cuda = cuda_table();
    *stream = keep_handle(
        {HandleKind::kStream, kind, index}, [&] { return cuda.stream_create(place.device_index); },
        cuda.stream_destroy);
  });
}

wl_status wl_stream_destroy(void* stream) {
  return guard("wl_stream_destroy",
               [&] { destroy(stream, HandleKind::kStream, "stream", &CudaBackend::stream_destroy); });
}

wl_status wl_stream_synchronize(const wl_launch* at) {
  return guard("wl_stream_synchronize", [&] {
    const Launch place = read_place(at);
    if (place.cuda()) cuda_table().stream_synchronize(place);
  });
}

wl_status wl_stream_wait_event(void* event, const wl_launch* at) {
  return guard("wl_stream_wait_event", [&] {
    const Launch place = read_cuda_place(at, "events");
    require_address(event, "event");
    cuda_table().stream_wait_event(event, place);
  });
}

wl_status wl_event_create(int32_t kind, int32_t index, void** event) {
  return guard("wl_event_create", [&] {
    require_address(event, "event");
    *event = nullptr;
    const Launch place = read_cuda_device(kind, index, "events");
    const CudaBackend& cuda = cuda_table();
    *event = keep_handle(
        {HandleKind::kEvent, kind, index}, [&] { return cuda.event_create(place.device_index); },
        cuda.event_destroy);
  });
}

wl_status wl_event_destroy(void* event) {
  return guard("wl_event_destroy",
               [&] { destroy(event, HandleKind::kEvent, "event", &CudaBackend::event_destroy); });
}

wl_status wl_event_record(void* event, const wl_launch* at) {
  return guard("wl_event_record", [&] {
    const Launch place = read_cuda_place(at, "events");
    require_address(event, "event");
    cuda_table().event_record(event, place);
  });
}

wl_status wl_event_synchronize(void* event) {
  return guard("wl_event_synchronize", [&] {
    const CudaBackend& cuda = require_cuda();
    require_address(event, "event");
    cuda.event_synchronize(event);
  });
}

wl_status wl_event_elapsed(void* start, void* end, float* milliseconds) {
  return guard("wl_event_elapsed", [&] {
    const CudaBackend& cuda = require_cuda();
    require_address(start, "start");
    require_address(end, "end");
    require_address(milliseconds, "milliseconds");
    *milliseconds = cuda.event_elapsed(start, end);
  });
}

wl_status wl_graph_begin_capture(const wl_launch* at) {
  return guard("wl_graph_begin_capture", [&] {
    const Launch place = read_cuda_place(at, "graphs");
    cuda_table().graph_begin_capture(place);
  });
}

wl_status wl_graph_end_capture(const wl_launch* at, void** graph) {
  return guard("wl_graph_end_capture", [&] {
    require_address(graph, "graph");
    *graph = nullptr;
    const Launch place = read_cuda_place(at, "graphs");
    const CudaBackend& cuda = cuda_table();
    *graph = keep_handle(
        {HandleKind::kGraph, place.device_kind, place.device_index},
        [&] { return cuda.graph_end_capture(place); }, cuda.graph_destroy);
  });
}

wl_status wl_graph_launch(void* graph, const wl_launch* at) {
  return guard("wl_graph_launch", [&] {
    const Launch place = read_cuda_place(at, "graphs");
    require_address(graph, "graph");
    find_handle(graph, HandleKind::kGraph, "graph");
    cuda_table().graph_launch(graph, place);
  });
}

wl_status wl_graph_destroy(void* graph) {
  return guard("wl_graph_destroy",
               [&] { destroy(graph, HandleKind::kGraph, "graph", &CudaBackend::graph_destroy); });
}

}  // extern "C"
