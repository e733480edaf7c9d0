// Capture of streams into graphs, and their launches.
#include <algorithm>

#include "emulator/host/state.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

// All that other streams did must have come back to the one that began.
bool joined(const Capture& capture) {
  for (uint32_t i = 1; i < capture.streams.size(); ++i) {
    const Clock& own = capture.reached[i];
    const uint64_t last = i < own.size() ? own[i] : 0;
    const Clock& first = capture.reached[0];
    if (last > (i < first.size() ? first[i] : 0)) return false;
  }
  return true;
}

}  // namespace

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return host_call([&](Host& h, Lock&) {
    if (mode != cudaStreamCaptureModeThreadLocal) return cudaErrorInvalidValue;
    if (handle == nullptr) return cudaErrorStreamCaptureUnsupported;
    Stream* stream = find_stream(h, handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->capture) return cudaErrorIllegalState;
    stream->capture = std::make_shared<Capture>();
    stream->capture_number = 0;
    stream->capture->streams.push_back(stream);
    stream->capture->reached.emplace_back();
    ++open_captures();
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  return host_call([&](Host& h, Lock&) {
    *graph = nullptr;
    Stream* stream = handle == nullptr ? nullptr : find_stream(h, handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (!stream->capture) return cudaErrorIllegalState;
    if (stream->capture_number != 0) {
      stream->capture->spoilt = true;
      return cudaErrorStreamCaptureUnmatched;
    }
    const std::shared_ptr<Capture> capture = stream->capture;
    --open_captures();
    capture->ended = true;
    for (Stream* member : capture->streams) {
      if (member->capture == capture) member->capture = nullptr;
    }
    if (capture->spoilt) return cudaErrorStreamCaptureInvalidated;
    if (!joined(*capture)) return cudaErrorStreamCaptureUnjoined;
    auto created = std::make_unique<Graph>();
    created->nodes = capture;
    *graph = created.get();
    h.graphs[created.get()] = std::move(created);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return host_call([&](Host& h, Lock&) {
    const Stream* stream = find_stream(h, handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    *status = !stream->capture          ? cudaStreamCaptureStatusNone
              : stream->capture->spoilt ? cudaStreamCaptureStatusInvalidated
                                        : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  return host_call([&](Host& h, Lock&) {
    if (!h.graphs.contains(graph)) return cudaErrorInvalidValue;
    auto created = std::make_unique<GraphExec>();
    created->nodes = graph->nodes;
    for (size_t i = 1; i < graph->nodes->streams.size(); ++i)
      created->streams.push_back(make_stream(h, current_device(), false));
    *exec = created.get();
    h.graph_execs[created.get()] = std::move(created);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t handle) {
  return host_call([&](Host& h, Lock&) {
    Stream* stream = find_stream(h, handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (!h.graph_execs.contains(exec)) return cudaErrorInvalidValue;
    ++h.counts.graph_launches;
    if (stream->capture) return illegal_in_capture(h, stream->capture.get());
    // Node n of the capture's stream i becomes work base[i] + n of a stream here.
    std::vector<Stream*> streams = {stream};
    for (const auto& other : exec->streams) streams.push_back(other.get());
    std::vector<uint64_t> base;
    for (const Stream* s : streams) base.push_back(h.enqueued[s->number]);
    // What the launching stream waits for, and the launch before of the same graph.
    Clock begin = stream->reached;
    for (const auto& other : exec->streams) merge(begin, other->reached);
    for (const Work& node : exec->nodes->nodes) {
      Clock before = begin;
      for (uint32_t i = 0; i < node.order.after.size(); ++i) {
        if (node.order.after[i] > 0) entry(before, streams[i]->number) = base[i] + node.order.after[i];
      }
      push(h, *streams[node.order.stream], before, node.action);
    }
    for (const auto& other : exec->streams) merge(stream->reached, other->reached);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return host_call([&](Host& h, Lock& lock) {
    const auto found = h.graph_execs.find(exec);
    if (found == h.graph_execs.end()) return cudaErrorInvalidValue;
    for (const auto& stream : exec->streams) drain(h, lock, *stream);
    h.graph_execs.erase(exec);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return host_call(
      [&](Host& h, Lock&) { return h.graphs.erase(graph) == 0 ? cudaErrorInvalidValue : cudaSuccess; });
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
