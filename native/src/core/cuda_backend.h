// The one door from the C API to CUDA: a table of functions, present only in libraries that hold the CUDA side
// (compiled by nvcc, or for the emulator). Functions report errors by throwing Failure.
#pragma once

#include <warpline/warpline.h>

#include <cstdint>

#include "core/gemm_problem.h"
#include "core/launch.h"

namespace wl {

struct CudaBackend {
  // ---- Devices. Indices are checked by the first two; all else takes them as they are.
  int32_t (*device_count)();  // 0 where there is no driver or no GPU
  void (*device_info)(int32_t index,
                      wl_device_info* info);  // fills all but struct_size
  // Fails with NO_DEVICE where the device does not exist, with UNSUPPORTED where no kernel was built for it; `name` is
  // the index's parameter.
  void (*require_device)(int32_t index, const char* name);
  // As require_device, and fails where it is not the calling thread's current device.
  void (*require_current)(int32_t index, const char* name);
  void (*prepare)(int32_t index);  // loads all kernels and sets their attributes
  void (*trim)();                  // gives back memory that the pools keep

  // ---- Memory, in the order of the launch's stream.
  void* (*allocate)(uint64_t bytes, const Launch& at);
  void (*release)(void* memory, const Launch& at);
  void (*copy)(void* destination, const void* source, uint64_t bytes, int32_t direction, const Launch& at);
  void (*fill)(void* destination, int32_t value, uint64_t bytes, const Launch& at);

  // ---- Streams, events, graphs.
  void* (*stream_create)(int32_t index);
  void (*stream_destroy)(void* stream);
  void (*stream_synchronize)(const Launch& at);
  void (*stream_wait_event)(void* event, const Launch& at);
  void* (*event_create)(int32_t index);
  void (*event_destroy)(void* event);
  void (*event_record)(void* event, const Launch& at);
  void (*event_synchronize)(void* event);
  float (*event_elapsed)(void* start, void* end);  // milliseconds
  void (*graph_begin_capture)(const Launch& at);
  void* (*graph_end_capture)(const Launch& at);
  void (*graph_launch)(void* graph, const Launch& at);
  void (*graph_destroy)(void* graph);

  // ---- Ops: parameters are checked but for the contents of index arrays, and the workspace is large enough. A null
  // entry is an op that CUDA does not serve yet. An op that is served in part fails with UNSUPPORTED before anything is
  // enqueued; the workspace functions fail as their op would, so they answer wl_X_supported too.
  void (*attention)(const wl_attention_params&, const Launch&, int64_t batch);
  uint64_t (*attention_workspace)(const wl_attention_params&, const Launch&, int64_t batch);
  void (*gemm)(const GemmProblem&, const Launch&);
  uint64_t (*gemm_workspace)(const GemmProblem&, const Launch&);
  void (*kv_append)(const wl_kv_append_params&, const Launch&);
  void (*norm)(const wl_norm_params&, const Launch&);
  void (*rope_table)(const wl_rope_table_params&, const Launch&);
  void (*rope)(const wl_rope_params&, const Launch&);
  void (*activation)(const wl_activation_params&, const Launch&);
  void (*embedding)(const wl_embedding_params&, const Launch&);
  void (*pool)(const wl_pool_params&, const Launch&);
  void (*softmax)(const wl_softmax_params&, const Launch&);
  void (*argmax)(const wl_argmax_params&, const Launch&);
  void (*sample)(const wl_sample_params&, const Launch&);
};

// nullptr in a library without CUDA.
const CudaBackend* cuda_backend() noexcept;
// Called once, by a static constructor of cuda/backend.cpp: the objects of the core are the same in all libraries.
void set_cuda_backend(const CudaBackend* backend) noexcept;

// The table, for a launch that read_launch or read_place took as CUDA.
inline const CudaBackend& cuda_table() { return *cuda_backend(); }

// Fails with UNSUPPORTED where CUDA does not serve the op.
[[noreturn]] void not_served_on_cuda(const char* op);

// Runs an op where its launch says: `cpu` is called for the CPU, the table's entry with `args` for CUDA.
template <class Cpu, class... Parameters, class... Args>
void dispatch(const Launch& launch, const char* op, [[maybe_unused]] Cpu&& cpu,
              void (*CudaBackend::*entry)(Parameters...), const Args&... args) {
  if constexpr (kHoldsCpu) {
    if (!launch.cuda()) return cpu();
  }
  const auto function = cuda_table().*entry;
  if (function == nullptr) not_served_on_cuda(op);
  function(args...);
}

}  // namespace wl
