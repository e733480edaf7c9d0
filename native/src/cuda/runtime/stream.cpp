#include "cuda/runtime/stream.h"

#include "cuda/runtime/device.h"
#include "cuda/runtime/errors.h"

namespace wl::cuda {
namespace {

cudaStream_t stream_of(const Launch& at) { return static_cast<cudaStream_t>(at.stream); }
cudaEvent_t event_of(void* event) { return static_cast<cudaEvent_t>(event); }

}  // namespace

void* stream_create(int32_t device) {
  const DeviceScope scope(device);
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  return stream;
}

void stream_destroy(void* stream) {
  check(cudaStreamDestroy(static_cast<cudaStream_t>(stream)), "cudaStreamDestroy");
}

void stream_synchronize(const Launch& at) {
  const DeviceScope scope(at.device_index);
  check(cudaStreamSynchronize(stream_of(at)), "cudaStreamSynchronize");
}

void stream_wait_event(void* event, const Launch& at) {
  const DeviceScope scope(at.device_index);
  check(cudaStreamWaitEvent(stream_of(at), event_of(event), 0), "cudaStreamWaitEvent");
}

void* event_create(int32_t device) {
  const DeviceScope scope(device);
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDefault), "cudaEventCreateWithFlags");
  return event;
}

void event_destroy(void* event) { check(cudaEventDestroy(event_of(event)), "cudaEventDestroy"); }

void event_record(void* event, const Launch& at) {
  const DeviceScope scope(at.device_index);
  check(cudaEventRecord(event_of(event), stream_of(at)), "cudaEventRecord");
}

void event_synchronize(void* event) { check(cudaEventSynchronize(event_of(event)), "cudaEventSynchronize"); }

float event_elapsed(void* start, void* end) {
  float milliseconds = 0;
  const cudaError_t error = cudaEventElapsedTime(&milliseconds, event_of(start), event_of(end));
  if (error == cudaErrorNotReady || error == cudaErrorInvalidResourceHandle) {
    cudaGetLastError();
    invalid("start",
            error == cudaErrorNotReady ? "not reached yet, or end is not" : "not recorded, or end is not",
            "an event that is recorded and awaited, as end");
  }
  check(error, "cudaEventElapsedTime");
  return milliseconds;
}

void graph_begin_capture(const Launch& at) {
  const DeviceScope scope(at.device_index);
  if (at.stream == nullptr) invalid("at.stream", "NULL", "a stream: the default stream cannot be captured");
  // Of this thread only: what other threads do meanwhile is no part of it.
  check(cudaStreamBeginCapture(stream_of(at), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
}

void* graph_end_capture(const Launch& at) {
  const DeviceScope scope(at.device_index);
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(stream_of(at), &graph), "cudaStreamEndCapture");
  cudaGraphExec_t exec = nullptr;
  const cudaError_t error = cudaGraphInstantiate(&exec, graph, 0);
  cudaGraphDestroy(graph);
  check(error, "cudaGraphInstantiate");
  return exec;
}

void graph_launch(void* graph, const Launch& at) {
  const DeviceScope scope(at.device_index);
  check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), stream_of(at)), "cudaGraphLaunch");
}

void graph_destroy(void* graph) {
  check(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph)), "cudaGraphExecDestroy");
}

}  // namespace wl::cuda
