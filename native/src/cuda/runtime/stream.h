// Streams, events and graphs, as the C API hands them out: a stream is a cudaStream_t, an event a cudaEvent_t, a graph an
// instantiated cudaGraphExec_t.
#pragma once

#include <cstdint>

#include "core/launch.h"

namespace wl::cuda {

void* stream_create(int32_t device);  // does not wait for the legacy default stream
void stream_destroy(void* stream);
void stream_synchronize(const Launch& at);
void stream_wait_event(void* event, const Launch& at);

void* event_create(int32_t device);
void event_destroy(void* event);
void event_record(void* event, const Launch& at);
void event_synchronize(void* event);
float event_elapsed(void* start, void* end);

void graph_begin_capture(const Launch& at);
void* graph_end_capture(const Launch& at);
void graph_launch(void* graph, const Launch& at);
void graph_destroy(void* graph);

}  // namespace wl::cuda
