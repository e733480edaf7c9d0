// The table through which the C API reaches CUDA.
#include "core/cuda_backend.h"
#include "cuda/attention/attention.h"
#include "cuda/elementwise/elementwise.h"
#include "cuda/gemm/gemm.h"
#include "cuda/kv_cache/kv_cache.h"
#include "cuda/runtime/device.h"
#include "cuda/runtime/kernel.h"
#include "cuda/runtime/memory.h"
#include "cuda/runtime/stream.h"
#include "cuda/sampling/sampling.h"

namespace wl::cuda {
namespace {

void prepare(int32_t index) {
  const DeviceScope scope(index);
  prepare_kernels(index);
}

CudaBackend make_table() {
  CudaBackend table{};
  table.device_count = device_count;
  table.device_info = device_info;
  table.require_device = require_device;
  table.require_current = require_current;
  table.prepare = prepare;
  table.trim = trim_pools;
  table.allocate = allocate;
  table.release = release;
  table.copy = copy;
  table.fill = fill;
  table.stream_create = stream_create;
  table.stream_destroy = stream_destroy;
  table.stream_synchronize = stream_synchronize;
  table.stream_wait_event = stream_wait_event;
  table.event_create = event_create;
  table.event_destroy = event_destroy;
  table.event_record = event_record;
  table.event_synchronize = event_synchronize;
  table.event_elapsed = event_elapsed;
  table.graph_begin_capture = graph_begin_capture;
  table.graph_end_capture = graph_end_capture;
  table.graph_launch = graph_launch;
  table.graph_destroy = graph_destroy;
  table.attention = attention;
  table.attention_workspace = attention_workspace;
  table.gemm = gemm;
  table.gemm_workspace = gemm_workspace;
  table.norm = norm;
  table.rope = rope;
  table.activation = activation;
  table.embedding = embedding;
  table.pool = pool;
  table.softmax = softmax;
  table.kv_append = kv_append;
  table.argmax = argmax;
  table.sample = sample;
  return table;
}

struct Registration {
  CudaBackend table = make_table();
  Registration() { set_cuda_backend(&table); }
};
const Registration g_registration;

}  // namespace
}  // namespace wl::cuda
