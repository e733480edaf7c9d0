// Where and how an op runs, once checked.
#pragma once

#include <warpline/core.h>

#include <cstdint>

namespace wl {

// Whether this library holds the CPU backend; configure decides (WARPLINE_CPU). What it lacks is never referred to.
#if defined(WL_WITHOUT_CPU)
constexpr bool kHoldsCpu = false;
#else
constexpr bool kHoldsCpu = true;
#endif

struct Launch {
  int32_t device_kind = WL_DEVICE_CPU;
  int32_t device_index = 0;
  uint32_t flags = 0;
  bool batch_invariant = false;
  void* stream = nullptr;  // a cudaStream_t; NULL on the CPU
  void* workspace = nullptr;
  uint64_t workspace_bytes = 0;

  bool cuda() const { return device_kind == WL_DEVICE_CUDA; }
  // Whether index arrays (offsets, lengths, positions, ids, settings) may be read here: not where they lie on a GPU.
  bool readable() const { return !cuda(); }
};

// The launch of an op. Fails with NO_DEVICE where this library has no such device, and where a CUDA device is not the
// calling thread's current one; with UNSUPPORTED for the CPU in a library without its backend.
Launch read_launch(const wl_launch* at);
// The place of a device call (memory, streams, events): as read_launch, and any device that exists will do.
Launch read_place(const wl_launch* at);

// The place of a device that a call names by `kind` and `index`.
Launch read_device(int32_t kind, int32_t index);

// Requires that the launch's workspace holds `bytes`, aligned to 256.
void require_workspace(const Launch& launch, uint64_t bytes);

}  // namespace wl
