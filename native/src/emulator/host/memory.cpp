// Device memory: blocks of the process's own memory, told apart from all other memory by their addresses.
#include <cstring>
#include <new>

#include "emulator/host/state.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

constexpr auto kAlignment = std::align_val_t{256};
// NaN in each floating-point type, so that a read of what nobody wrote shows.
constexpr int kPoison = 0xff;

const MemoryBlock* block_at(const Host& h, uintptr_t address, uintptr_t* begin) {
  auto next = h.memory.upper_bound(address);
  if (next == h.memory.begin()) return nullptr;
  --next;
  if (address - next->first >= next->second.bytes) return nullptr;
  *begin = next->first;
  return &next->second;
}

std::string range_text(const void* address, uint64_t bytes) {
  char text[64];
  std::snprintf(text, sizeof text, "%p, %llu bytes", address, static_cast<unsigned long long>(bytes));
  return text;
}

}  // namespace

bool in_device_memory(const Host& h, const void* address, uint64_t bytes) {
  uintptr_t begin = 0;
  const auto at = reinterpret_cast<uintptr_t>(address);
  const MemoryBlock* block = block_at(h, at, &begin);
  return block != nullptr && bytes <= block->bytes - (at - begin);
}

bool meets_device_memory(const Host& h, const void* address, uint64_t bytes) {
  uintptr_t begin = 0;
  const auto at = reinterpret_cast<uintptr_t>(address);
  if (block_at(h, at, &begin) != nullptr) return true;
  const auto next = h.memory.lower_bound(at);
  return next != h.memory.end() && next->first - at < bytes;
}

cudaError_t wrong_pointer(Host& h, std::string text) {
  ++h.counts.wrong_pointers;
  h.findings.push_back(std::move(text));
  return cudaErrorInvalidValue;
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  return host_call([&](Host& h, Lock&) {
    if (properties->allocType != cudaMemAllocationTypePinned ||
        properties->location.type != cudaMemLocationTypeDevice || properties->location.id < 0 ||
        properties->location.id >= h.settings.devices) {
      return cudaErrorInvalidValue;
    }
    auto created = std::make_unique<MemoryPool>();
    created->device = properties->location.id;
    *pool = created.get();
    h.pools[created.get()] = std::move(created);
    return cudaSuccess;
  });
}

// The pool keeps nothing that is freed, so that a use after the free shows; threshold and trimming change nothing.
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  return host_call([&](Host& h, Lock&) {
    const bool known = attribute == cudaMemPoolAttrReleaseThreshold && value != nullptr;
    return known && h.pools.contains(pool) ? cudaSuccess : cudaErrorInvalidValue;
  });
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t) {
  return host_call(
      [&](Host& h, Lock&) { return h.pools.contains(pool) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaMallocFromPoolAsync(void** memory, size_t bytes, cudaMemPool_t pool, cudaStream_t handle) {
  return host_call([&](Host& h, Lock&) {
    Stream* stream = find_stream(h, handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (bytes == 0 || !h.pools.contains(pool)) return cudaErrorInvalidValue;
    ++h.counts.allocations;
    if (stream->capture) return illegal_in_capture(h, stream->capture.get());
    if (bytes > h.settings.memory_bytes - h.memory_bytes) return cudaErrorMemoryAllocation;
    void* block = ::operator new(bytes, kAlignment, std::nothrow);
    if (block == nullptr) return cudaErrorMemoryAllocation;
    h.memory[reinterpret_cast<uintptr_t>(block)] = {bytes, stream->device};
    h.memory_bytes += bytes;
    *memory = block;
    return enqueue(h, *stream, [block, bytes](const LaunchOrder&) {
      std::memset(block, kPoison, bytes);
      memory_allocated(block, bytes);
    });
  });
}

cudaError_t cudaFreeAsync(void* memory, cudaStream_t handle) {
  return host_call([&](Host& h, Lock&) {
    Stream* stream = find_stream(h, handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    const auto block = h.memory.find(reinterpret_cast<uintptr_t>(memory));
    if (block == h.memory.end())
      return wrong_pointer(h, "cudaFreeAsync: " + range_text(memory, 0) + " is no block");
    ++h.counts.frees;
    if (stream->capture) return illegal_in_capture(h, stream->capture.get());
    h.memory_bytes -= block->second.bytes;
    h.memory.erase(block);
    return enqueue(h, *stream, [memory](const LaunchOrder&) {
      memory_freed(memory);
      ::operator delete(memory, kAlignment);
    });
  });
}

cudaError_t cudaMemcpyAsync(void* destination, const void* source, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t handle) {
  return host_call([&](Host& h, Lock&) {
    Stream* stream = find_stream(h, handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    ++h.counts.copies;
    if (bytes == 0) return cudaSuccess;
    const bool from_device = kind != cudaMemcpyHostToDevice, to_device = kind != cudaMemcpyDeviceToHost;
    const auto legal = [&](const void* address, bool device) {
      return device ? in_device_memory(h, address, bytes) : !meets_device_memory(h, address, bytes);
    };
    if (!legal(destination, to_device)) {
      return wrong_pointer(h, "cudaMemcpyAsync: the destination " + range_text(destination, bytes) +
                                  " must be memory of the " + (to_device ? "device" : "host"));
    }
    if (!legal(source, from_device)) {
      return wrong_pointer(h, "cudaMemcpyAsync: the source " + range_text(source, bytes) +
                                  " must be memory of the " + (from_device ? "device" : "host"));
    }
    return enqueue(h, *stream, [=](const LaunchOrder& order) {
      if (from_device) memory_accessed(source, bytes, false, order, "copy");
      if (to_device) memory_accessed(destination, bytes, true, order, "copy");
      std::memcpy(destination, source, bytes);
    });
  });
}

cudaError_t cudaMemsetAsync(void* destination, int value, size_t bytes, cudaStream_t handle) {
  return host_call([&](Host& h, Lock&) {
    Stream* stream = find_stream(h, handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    ++h.counts.fills;
    if (bytes == 0) return cudaSuccess;
    if (!in_device_memory(h, destination, bytes)) {
      return wrong_pointer(h, "cudaMemsetAsync: the destination " + range_text(destination, bytes) +
                                  " must be memory of the device");
    }
    return enqueue(h, *stream, [=](const LaunchOrder& order) {
      memory_accessed(destination, bytes, true, order, "fill");
      std::memset(destination, value, bytes);
    });
  });
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
