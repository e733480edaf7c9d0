/* Device memory, streams, events and graphs.
 *
 * A stream is a cudaStream_t, an event a cudaEvent_t: those of other libraries may be given wherever one is asked for,
 * except to be destroyed here. The calls work in the calling thread's CUDA context; a device that is not current is made
 * current for the call and the caller's own restored (ops demand the current device, see wl_launch).
 * On the CPU there are no streams: memory calls work and are done when they return, wl_stream_synchronize has nothing to
 * wait for, everything else is UNSUPPORTED.
 */
#ifndef WARPLINE_DEVICE_H
#define WARPLINE_DEVICE_H

#include <warpline/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Directions of wl_copy. On the CPU all memory is the host's and the direction says nothing. */
enum { WL_COPY_TO_DEVICE = 1, WL_COPY_TO_HOST = 2, WL_COPY_ON_DEVICE = 3 };

/* Loads all kernels of a device and sets their attributes, so that no later op has to: call it once before a capture or a
 * measurement. Calling it again does nothing. On the CPU there is nothing to load.
 * Shapes: none. Types: none. Units: none. Alignment: none. Threads: any.
 * Determinism: results are not affected.
 * Errors: INVALID_ARGUMENT for an unknown kind; NO_DEVICE for a device that does not exist; UNSUPPORTED for a GPU that the
 * library holds no code for.
 * Reference: none. */
WL_API wl_status wl_device_prepare(int32_t kind, int32_t index);

/* Allocates memory of the launch's device, counted by wl_live_handles(). It may be used by what comes after in the
 * launch's stream; by other streams once an event or wl_stream_synchronize says that the stream got there. Zero bytes
 * give a legal, unusable address. Freed memory is kept for the next allocation until wl_trim.
 * Shapes: none. Types: bytes, not initialised. Units: bytes. Alignment: 256 bytes. Threads: any.
 * Determinism: none promised for addresses.
 * Errors: INVALID_ARGUMENT for a NULL result or a stream under capture; OUT_OF_MEMORY; NO_DEVICE.
 * Reference: none. */
WL_API wl_status wl_device_alloc(uint64_t bytes, const wl_launch* at, void** result);

/* Frees memory of wl_device_alloc, once the launch's stream gets there; NULL is a no-op.
 * Shapes: none. Types: none. Units: none. Alignment: none.
 * Threads: any; no work of another stream may still use the memory. Determinism: exact.
 * Errors: INVALID_ARGUMENT for an address that is not live, a launch of another device than it was allocated for, or a
 * stream under capture; NO_DEVICE.
 * Reference: wl_device_alloc. */
WL_API wl_status wl_device_free(void* memory, const wl_launch* at);

/* Copies bytes, in the order of the launch's stream. Host memory must stay as it is until the stream got there, as
 * wl_stream_synchronize says.
 * Shapes: none. Types: bytes. Units: bytes. Alignment: none.
 * Threads: any; source and destination must not overlap. Determinism: exact.
 * Errors: INVALID_ARGUMENT for a direction that is none of WL_COPY_* or not that of the addresses, a NULL address with
 * bytes above 0, or a range that leaves its allocation where that is seen; NO_DEVICE.
 * Reference: none. */
WL_API wl_status wl_copy(void* destination, const void* source, uint64_t bytes, int32_t direction,
                         const wl_launch* at);

/* Sets bytes of the launch's device to one value, in the order of its stream.
 * Shapes: none. Types: bytes; value from 0 to 255. Units: bytes. Alignment: none. Threads: any.
 * Determinism: exact.
 * Errors: INVALID_ARGUMENT for a value outside its range, a NULL address with bytes above 0, or an address that is not the
 * device's where that is seen; NO_DEVICE.
 * Reference: none. */
WL_API wl_status wl_fill(void* destination, int32_t value, uint64_t bytes, const wl_launch* at);

/* Creates a stream that does not wait for the legacy default stream; counted by wl_live_handles().
 * Shapes: none. Types: stream receives a cudaStream_t. Units: none. Alignment: none. Threads: any.
 * Determinism: none promised for addresses.
 * Errors: INVALID_ARGUMENT for an unknown kind or a NULL address; UNSUPPORTED on the CPU; NO_DEVICE.
 * Reference: none. */
WL_API wl_status wl_stream_create(int32_t kind, int32_t index, void** stream);

/* Destroys a stream of wl_stream_create; what is enqueued in it still runs. NULL is a no-op.
 * Shapes: none. Types: none. Units: none. Alignment: none.
 * Threads: any; no call may still use the stream. Determinism: exact.
 * Errors: INVALID_ARGUMENT for an address that is not live. Reference: wl_stream_create. */
WL_API wl_status wl_stream_destroy(void* stream);

/* Waits until all that is enqueued in the launch's stream is done.
 * Shapes: none. Types: none. Units: none. Alignment: none. Threads: any. Determinism: exact.
 * Errors: INVALID_ARGUMENT for a stream under capture; NO_DEVICE; INTERNAL where a kernel failed: the device's memory is
 * then not to be trusted.
 * Reference: none. */
WL_API wl_status wl_stream_synchronize(const wl_launch* at);

/* Makes what comes after in the launch's stream wait for an event's latest record.
 * Shapes: none. Types: event is a cudaEvent_t. Units: none. Alignment: none. Threads: any. Determinism: exact.
 * Errors: INVALID_ARGUMENT for a NULL event or an event of another device's; UNSUPPORTED on the CPU; NO_DEVICE.
 * Reference: wl_event_record. */
WL_API wl_status wl_stream_wait_event(void* event, const wl_launch* at);

/* Creates an event that keeps its time; counted by wl_live_handles().
 * Shapes: none. Types: event receives a cudaEvent_t. Units: none. Alignment: none. Threads: any.
 * Determinism: none promised for addresses.
 * Errors: INVALID_ARGUMENT for an unknown kind or a NULL address; UNSUPPORTED on the CPU; NO_DEVICE.
 * Reference: none. */
WL_API wl_status wl_event_create(int32_t kind, int32_t index, void** event);

/* Destroys an event of wl_event_create; NULL is a no-op.
 * Shapes: none. Types: none. Units: none. Alignment: none.
 * Threads: any; no call may still use the event. Determinism: exact.
 * Errors: INVALID_ARGUMENT for an address that is not live. Reference: wl_event_create. */
WL_API wl_status wl_event_destroy(void* event);

/* Records the event: it is reached when all that is enqueued in the launch's stream so far is done.
 * Shapes: none. Types: none. Units: none. Alignment: none. Threads: any. Determinism: exact.
 * Errors: INVALID_ARGUMENT for a NULL event; UNSUPPORTED on the CPU; NO_DEVICE. Reference: none. */
WL_API wl_status wl_event_record(void* event, const wl_launch* at);

/* Waits until an event is reached; one that was never recorded counts as reached.
 * Shapes: none. Types: none. Units: none. Alignment: none. Threads: any. Determinism: exact.
 * Errors: INVALID_ARGUMENT for a NULL event or one recorded under capture; NO_DEVICE without CUDA; INTERNAL as
 * wl_stream_synchronize.
 * Reference: wl_event_record. */
WL_API wl_status wl_event_synchronize(void* event);

/* Time between two events that are reached.
 * Shapes: none. Types: float32. Units: milliseconds. Alignment: none. Threads: any.
 * Determinism: a measurement.
 * Errors: INVALID_ARGUMENT for a NULL address or an event that is not recorded or not reached; NO_DEVICE without CUDA.
 * Reference: none. */
WL_API wl_status wl_event_elapsed(void* start, void* end, float* milliseconds);

/* Begins to capture: what the calling thread enqueues in the launch's stream, and in streams that wait for its events, is
 * kept for a graph and does not run. Until the end neither thread nor streams may synchronise, allocate or free.
 * Shapes: none. Types: none. Units: none. Alignment: none.
 * Threads: the capture belongs to the calling thread. Determinism: exact.
 * Errors: INVALID_ARGUMENT for a NULL stream or one under capture; UNSUPPORTED on the CPU; NO_DEVICE.
 * Reference: none. */
WL_API wl_status wl_graph_begin_capture(const wl_launch* at);

/* Ends the capture and makes a graph of it, ready to launch; counted by wl_live_handles(). Addresses and shapes are those
 * of the captured calls: the memory must live as long as the graph is launched.
 * Shapes: none. Types: graph receives an address that wl_graph_launch takes. Units: none. Alignment: none.
 * Threads: the thread that began the capture. Determinism: exact.
 * Errors: INVALID_ARGUMENT for a NULL address, a stream that is not under capture, a capture that an illegal call spoilt or
 * streams that did not join again (the capture is over then); UNSUPPORTED on the CPU; NO_DEVICE.
 * Reference: wl_graph_begin_capture. */
WL_API wl_status wl_graph_end_capture(const wl_launch* at, void** graph);

/* Enqueues all of a graph's work in the launch's stream.
 * Shapes: those of the captured calls. Types: those of the captured calls. Units: none. Alignment: none.
 * Threads: any; launches of one graph do not overlap. Determinism: that of the captured calls.
 * Errors: INVALID_ARGUMENT for a graph that is not live or a stream under capture; UNSUPPORTED on the CPU; NO_DEVICE.
 * Reference: wl_graph_end_capture. */
WL_API wl_status wl_graph_launch(void* graph, const wl_launch* at);

/* Destroys a graph; launches that are enqueued still run. NULL is a no-op.
 * Shapes: none. Types: none. Units: none. Alignment: none.
 * Threads: any; no call may still use the graph. Determinism: exact.
 * Errors: INVALID_ARGUMENT for an address that is not live. Reference: wl_graph_end_capture. */
WL_API wl_status wl_graph_destroy(void* graph);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WARPLINE_DEVICE_H */
