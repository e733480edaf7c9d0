// The state of the emulated host side. Everything is guarded by one lock, which is given up while work runs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "emulator/host/host.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

// For each stream by number: its first so many pieces of work.
using Clock = std::vector<uint64_t>;
void merge(Clock& into, const Clock& other);
uint64_t& entry(Clock& clock, uint32_t stream);  // grows the clock

using Action = std::function<void(const LaunchOrder&)>;

struct Work {
  LaunchOrder order;  // order.after is all that must be done before
  uint64_t sequence;  // of the calls of all streams
  std::shared_ptr<const Action> action;
};

// A capture, and afterwards the graph: its streams are numbered from 0, the one that began it first.
struct Capture {
  std::vector<Work> nodes;
  std::vector<Stream*> streams;
  std::vector<Clock> reached;  // by stream
  bool spoilt = false, ended = false;
};

struct Stream {
  uint32_t number = 0;
  int device = 0;
  bool waits_for_default = false;
  Clock reached;  // all that was enqueued here, and all that it waits for
  std::deque<Work> pending;
  std::shared_ptr<Capture> capture;
  uint32_t capture_number = 0;
};

struct Event {
  int device = 0;
  bool recorded = false;
  Clock reached;
  std::shared_ptr<std::chrono::steady_clock::time_point> time;  // zero until then
  std::shared_ptr<Capture> capture;  // recorded under it: `reached` counts its nodes
};

struct Graph {
  std::shared_ptr<const Capture> nodes;
};
struct GraphExec {
  std::shared_ptr<const Capture> nodes;
  std::vector<std::unique_ptr<Stream>> streams;  // in place of the capture's streams but the first
};

struct MemoryPool {
  int device = 0;
};
struct MemoryBlock {
  uint64_t bytes = 0;
  int device = 0;
};

struct KernelState {
  KernelEntry entry;
  int dynamic_shared_bytes = 48 * 1024;
};

struct Host {
  std::mutex mutex;
  std::condition_variable changed;
  HostSettings settings;
  HostCounts counts;
  std::vector<std::string> findings;
  std::string failure;       // of a kernel, told to the next call that waits
  size_t findings_told = 0;  // of the emulator's report
  uint64_t event_waits = 0;  // since configure_host
  uint64_t calls = 0, choices = 0;

  Clock completed, enqueued;  // of all streams
  Clock awaited;              // by the host, all its threads taken as one
  bool running = false;       // a piece of work, without the lock
  std::vector<uint32_t> free_numbers;
  std::vector<std::unique_ptr<Stream>> default_streams;  // by device
  std::map<Stream*, std::unique_ptr<Stream>> streams;
  std::map<Event*, std::unique_ptr<Event>> events;
  std::map<Graph*, std::unique_ptr<Graph>> graphs;
  std::map<GraphExec*, std::unique_ptr<GraphExec>> graph_execs;
  std::map<MemoryPool*, std::unique_ptr<MemoryPool>> pools;
  std::map<uintptr_t, MemoryBlock> memory;
  uint64_t memory_bytes = 0;
  std::map<const void*, KernelState> kernels;
  LaunchFault launch_fault;
};
Host& host();

// ---- Of the calling thread (device.cpp)
int& current_device();
void tell_failure(std::string text);  // what cudaGetErrorString(cudaErrorLaunchFailure) says
// Captures that the calling thread began and did not end.
int& open_captures();

using Lock = std::unique_lock<std::mutex>;
cudaError_t remember(cudaError_t error);  // as the thread's last error
// What every call says where there is no driver or no device.
cudaError_t machine_failure(const Host& h);

// The frame of each call: lock, machine, body, last error.
template <class Body>
cudaError_t host_call(Body&& body) {
  Host& h = host();
  Lock lock(h.mutex);
  const cudaError_t failure = machine_failure(h);
  return remember(failure != cudaSuccess ? failure : body(h, lock));
}

// ---- Streams (streams.cpp)
std::unique_ptr<Stream> make_stream(Host& h, int device, bool waits_for_default);
// Runs what is left of a stream, and gives its number back.
void drain(Host& h, Lock& lock, Stream& stream);
// The stream of a handle, NULL meaning the current device's default stream; nullptr where there is no such stream, or it
// is another device's.
Stream* find_stream(Host& h, cudaStream_t handle);
Event* find_event(Host& h, cudaEvent_t handle);
// Enqueues work, or adds it to the capture.
cudaError_t enqueue(Host& h, Stream& stream, Action action);
// Enqueues work after `before` and all that the stream waits for; returns its number.
uint64_t push(Host& h, Stream& stream, const Clock& before, std::shared_ptr<const Action> action);
// Runs work until all of the clock is done.
void run_until(Host& h, Lock& lock, const Clock& clock);
// Counts a call that a capture forbids, and spoils the capture.
cudaError_t illegal_in_capture(Host& h, Capture* capture);

// ---- Memory (memory.cpp)
// Whether [address, address + bytes) lies in one block of device memory; whether any of it does.
bool in_device_memory(const Host& h, const void* address, uint64_t bytes);
bool meets_device_memory(const Host& h, const void* address, uint64_t bytes);
cudaError_t wrong_pointer(Host& h, std::string text);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
