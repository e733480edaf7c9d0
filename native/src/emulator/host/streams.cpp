// Streams and events: work waits in queues until a synchronising call runs it.
#include <algorithm>
#include <utility>

#include "emulator/host/state.h"
#include "emulator/random.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

bool done(const Clock& clock, const Clock& completed) {
  for (size_t i = 0; i < clock.size(); ++i) {
    if (clock[i] > (i < completed.size() ? completed[i] : 0)) return false;
  }
  return true;
}

template <class Visit>
void for_each_stream(Host& h, Visit&& visit) {
  for (const auto& stream : h.default_streams) {
    if (stream) visit(*stream);
  }
  for (const auto& [handle, stream] : h.streams) visit(*stream);
  for (const auto& [handle, exec] : h.graph_execs) {
    for (const auto& stream : exec->streams) visit(*stream);
  }
}

// The stream whose first piece of work runs next: among those that may, the oldest call or any by seed.
Stream* choose(Host& h) {
  std::vector<Stream*> ready;
  for_each_stream(h, [&](Stream& s) {
    if (!s.pending.empty() && done(s.pending.front().order.after, h.completed)) ready.push_back(&s);
  });
  if (ready.empty()) return nullptr;
  if (settings().schedule == Schedule::kRandom) {
    // Not by address: the same seed gives the same order in each run.
    std::sort(ready.begin(), ready.end(), [](Stream* a, Stream* b) { return a->number < b->number; });
    return ready[(mix(settings().seed) ^ mix(++h.choices)) % ready.size()];
  }
  return *std::min_element(ready.begin(), ready.end(), [](Stream* a, Stream* b) {
    return a->pending.front().sequence < b->pending.front().sequence;
  });
}

// The legacy default stream waits for the streams that are not non-blocking, and they for it.
void order_with_default(Host& h, Stream& stream) {
  Stream* standard = h.default_streams[static_cast<size_t>(stream.device)].get();
  if (&stream == standard) {
    for (const auto& [handle, other] : h.streams) {
      if (other->device == stream.device && other->waits_for_default) merge(stream.reached, other->reached);
    }
  } else if (stream.waits_for_default) {
    merge(stream.reached, standard->reached);
  }
}

Stream& default_stream(Host& h, int device) {
  const auto index = static_cast<size_t>(device);
  if (h.default_streams.size() <= index) h.default_streams.resize(index + 1);
  if (!h.default_streams[index]) h.default_streams[index] = make_stream(h, device, false);
  return *h.default_streams[index];
}

cudaError_t told_failure(Host& h) {
  // The checked build's findings end no grid; they are told all the same.
  if constexpr (kChecked) {
    const size_t count = finding_count();
    if (count > h.findings_told && h.failure.empty()) {
      const Finding latest = finding(count - 1);
      h.failure = latest.kind + ": " + latest.text;
    }
    h.findings_told = count;
  }
  if (h.failure.empty()) return cudaSuccess;
  tell_failure(std::exchange(h.failure, {}));
  return cudaErrorLaunchFailure;
}

// The host waits until all of the clock is done.
cudaError_t await(Host& h, Lock& lock, const Clock& clock) {
  run_until(h, lock, clock);
  merge(h.awaited, clock);
  return told_failure(h);
}

}  // namespace

void merge(Clock& into, const Clock& other) {
  if (into.size() < other.size()) into.resize(other.size());
  for (size_t i = 0; i < other.size(); ++i) into[i] = std::max(into[i], other[i]);
}

uint64_t& entry(Clock& clock, uint32_t stream) {
  if (clock.size() <= stream) clock.resize(stream + 1);
  return clock[stream];
}

std::unique_ptr<Stream> make_stream(Host& h, int device, bool waits_for_default) {
  auto stream = std::make_unique<Stream>();
  if (h.free_numbers.empty()) {
    stream->number = static_cast<uint32_t>(h.enqueued.size());
    h.enqueued.push_back(0);
  } else {
    stream->number = h.free_numbers.back();
    h.free_numbers.pop_back();
  }
  stream->device = device;
  stream->waits_for_default = waits_for_default;
  entry(stream->reached, stream->number) = h.enqueued[stream->number];
  return stream;
}

void drain(Host& h, Lock& lock, Stream& stream) {
  const Clock all = stream.reached;
  run_until(h, lock, all);
  h.free_numbers.push_back(stream.number);
}

Stream* find_stream(Host& h, cudaStream_t handle) {
  if (handle == nullptr) return &default_stream(h, current_device());
  const auto found = h.streams.find(handle);
  return found == h.streams.end() || handle->device != current_device() ? nullptr : handle;
}

Event* find_event(Host& h, cudaEvent_t handle) { return h.events.contains(handle) ? handle : nullptr; }

uint64_t push(Host& h, Stream& stream, const Clock& before, std::shared_ptr<const Action> action) {
  default_stream(h, stream.device);
  order_with_default(h, stream);
  merge(stream.reached, h.awaited);
  merge(stream.reached, before);
  Work work{{stream.number, ++h.enqueued[stream.number], stream.reached}, ++h.calls, std::move(action)};
  entry(stream.reached, stream.number) = work.order.number;
  stream.pending.push_back(std::move(work));
  return h.enqueued[stream.number];
}

cudaError_t enqueue(Host& h, Stream& stream, Action action) {
  auto shared = std::make_shared<const Action>(std::move(action));
  if (!stream.capture) {
    push(h, stream, {}, std::move(shared));
    return cudaSuccess;
  }
  Capture& capture = *stream.capture;
  if (capture.spoilt) return cudaErrorStreamCaptureInvalidated;
  Clock& reached = capture.reached[stream.capture_number];
  const uint64_t number = entry(reached, stream.capture_number) + 1;
  capture.nodes.push_back({{stream.capture_number, number, reached}, 0, std::move(shared)});
  reached[stream.capture_number] = number;
  return cudaSuccess;
}

void run_until(Host& h, Lock& lock, const Clock& clock) {
  while (!done(clock, h.completed)) {
    if (h.running) {
      h.changed.wait(lock);
      continue;
    }
    Stream* stream = choose(h);
    if (stream == nullptr) {
      h.failure = "the emulated streams wait for each other";
      return;
    }
    const Work work = std::move(stream->pending.front());
    stream->pending.pop_front();
    h.running = true;
    lock.unlock();
    std::string failure;
    try {
      (*work.action)(work.order);
    } catch (const std::exception& e) {
      failure = e.what();
    }
    lock.lock();
    h.running = false;
    if (h.failure.empty()) h.failure = failure;
    entry(h.completed, work.order.stream) = work.order.number;
    h.changed.notify_all();
  }
}

cudaError_t illegal_in_capture(Host& h, Capture* capture) {
  ++h.counts.illegal_in_capture;
  if (capture != nullptr) capture->spoilt = true;
  return cudaErrorStreamCaptureUnsupported;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return host_call([&](Host& h, Lock&) {
    auto created = make_stream(h, current_device(), flags == cudaStreamDefault);
    *stream = created.get();
    h.streams[created.get()] = std::move(created);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return host_call([&](Host& h, Lock& lock) {
    const auto found = h.streams.find(handle);
    if (found == h.streams.end()) return cudaErrorInvalidResourceHandle;
    if (handle->capture) return illegal_in_capture(h, handle->capture.get());
    drain(h, lock, *handle);
    h.streams.erase(handle);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return host_call([&](Host& h, Lock& lock) {
    Stream* stream = find_stream(h, handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    ++h.counts.synchronisations;
    if (stream->capture || open_captures() > 0) return illegal_in_capture(h, stream->capture.get());
    order_with_default(h, *stream);
    return await(h, lock, Clock(stream->reached));
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return host_call([&](Host& h, Lock&) {
    auto created = std::make_unique<Event>();
    created->device = current_device();
    *event = created.get();
    h.events[created.get()] = std::move(created);
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return host_call([&](Host& h, Lock&) {
    return h.events.erase(event) == 0 ? cudaErrorInvalidResourceHandle : cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  return host_call([&](Host& h, Lock&) {
    Stream* stream = find_stream(h, stream_handle);
    Event* event = find_event(h, handle);
    if (stream == nullptr || event == nullptr || event->device != stream->device)
      return cudaErrorInvalidResourceHandle;
    if (stream->capture && stream->capture->spoilt) return cudaErrorStreamCaptureInvalidated;
    event->recorded = true;
    event->time = nullptr;
    event->capture = stream->capture;
    if (stream->capture) {
      event->reached = stream->capture->reached[stream->capture_number];
      return cudaSuccess;
    }
    event->time = std::make_shared<std::chrono::steady_clock::time_point>();
    const cudaError_t error = enqueue(
        h, *stream, [time = event->time](const LaunchOrder&) { *time = std::chrono::steady_clock::now(); });
    event->reached = stream->reached;
    return error;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream_handle, cudaEvent_t handle, unsigned) {
  return host_call([&](Host& h, Lock&) {
    Stream* stream = find_stream(h, stream_handle);
    Event* event = find_event(h, handle);
    if (stream == nullptr || event == nullptr) return cudaErrorInvalidResourceHandle;
    if (++h.event_waits == h.settings.skipped_event_wait || !event->recorded) return cudaSuccess;
    if (!event->capture) {
      if (!stream->capture) {
        merge(stream->reached, event->reached);
        return cudaSuccess;
      }
      illegal_in_capture(h, stream->capture.get());
      return cudaErrorStreamCaptureIsolation;
    }
    Capture& capture = *event->capture;
    if (capture.ended) return cudaErrorCapturedEvent;
    if (capture.spoilt) return cudaErrorStreamCaptureInvalidated;
    if (!stream->capture) {  // The stream joins the capture.
      stream->capture = event->capture;
      stream->capture_number = static_cast<uint32_t>(capture.streams.size());
      capture.streams.push_back(stream);
      capture.reached.emplace_back();
    } else if (stream->capture != event->capture) {
      illegal_in_capture(h, stream->capture.get());
      return cudaErrorStreamCaptureIsolation;
    }
    merge(capture.reached[stream->capture_number], event->reached);
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return host_call([&](Host& h, Lock& lock) {
    Event* event = find_event(h, handle);
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    ++h.counts.synchronisations;
    if (event->capture) {
      illegal_in_capture(h, event->capture->ended ? nullptr : event->capture.get());
      return cudaErrorCapturedEvent;
    }
    if (open_captures() > 0) return illegal_in_capture(h, nullptr);
    return await(h, lock, Clock(event->reached));
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return host_call([&](Host& h, Lock&) {
    if (find_event(h, start) == nullptr || find_event(h, end) == nullptr)
      return cudaErrorInvalidResourceHandle;
    if (!start->time || !end->time) return cudaErrorInvalidResourceHandle;
    if (!done(start->reached, h.completed) || !done(end->reached, h.completed)) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(*end->time - *start->time).count();
    return cudaSuccess;
  });
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
