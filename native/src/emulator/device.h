// What device code calls when it runs on the emulator: one function for each group of PTX instructions. Declared here,
// used by cuda/ptx only, implemented by the emulator's own files. All run on the fiber of the calling thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "emulator/site.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
};

// The thread that runs, as kernels see it.
struct ThreadView {
  Dim3 tid, ctaid, ntid, nctaid;
  uint32_t lane;
  std::byte* shared;  // the block's shared memory; a shared address is an offset into it
};
extern __thread ThreadView* current_thread;

enum class Order : uint8_t { kWeak, kRelaxed, kAcquire, kRelease, kAcquireRelease };
enum class Scope : uint8_t { kBlock, kDevice, kSystem };

// ---- Memory. The checks exist in the checked build only.
void check_shared(uint32_t address, uint32_t bytes, bool write, Site site);
void check_global(const void* address, uint32_t bytes, bool write, Site site);

template <class T>
inline T load_shared(uint32_t address, Site site) {
  if constexpr (kChecked) check_shared(address, sizeof(T), false, site);
  T value;
  std::memcpy(&value, current_thread->shared + address, sizeof value);
  return value;
}
template <class T>
inline void store_shared(uint32_t address, const T& value, Site site) {
  if constexpr (kChecked) check_shared(address, sizeof(T), true, site);
  std::memcpy(current_thread->shared + address, &value, sizeof value);
}
template <class T>
inline T load_global(const void* address, Site site) {
  if constexpr (kChecked) check_global(address, sizeof(T), false, site);
  T value;
  std::memcpy(&value, address, sizeof value);
  return value;
}
template <class T>
inline void store_global(void* address, const T& value, Site site) {
  if constexpr (kChecked) check_global(address, sizeof(T), true, site);
  std::memcpy(address, &value, sizeof value);
}
// Loads and stores with order (relaxed, acquire; relaxed, release), 4 or 8 bytes.
uint64_t load_ordered(const void* address, uint32_t bytes, Order order, Scope scope, Site site);
void store_ordered(void* address, uint64_t value, uint32_t bytes, Order order, Scope scope, Site site);

enum class AtomicOp : uint8_t { kAddU32, kAddF32, kMaxU32, kExchangeU32, kCompareExchangeU32 };
// Returns the old value. `compare` is used by the compare-exchange.
uint32_t atomic_global(AtomicOp op, void* address, uint32_t operand, uint32_t compare, Order order,
                       Scope scope, Site site);
uint32_t atomic_shared(AtomicOp op, uint32_t address, uint32_t operand, uint32_t compare, Site site);
void fence(Order order, Scope scope, Site site);

// ---- Barriers and warp collectives
// `threads` 0 means all of the block.
void bar_sync(uint32_t id, uint32_t threads, Site site);
void bar_arrive(uint32_t id, uint32_t threads, Site site);
void bar_warp_sync(uint32_t mask, Site site);
enum class Shuffle : uint8_t { kIndex, kUp, kDown, kButterfly };
uint32_t shfl_sync(Shuffle mode, uint32_t mask, uint32_t value, uint32_t b, uint32_t c, Site site);
enum class Vote : uint8_t { kBallot, kAny, kAll };
uint32_t vote_sync(Vote mode, uint32_t mask, bool predicate, Site site);

// ---- Matrices
// Four (two, one) 8x8 matrices of 16-bit elements: rows' addresses from lanes 0-7, 8-15, 16-23, 24-31.
void ldmatrix(uint32_t* registers, uint32_t address, int matrices, bool transposed, Site site);
void stmatrix(uint32_t address, const uint32_t* registers, int matrices, bool transposed, Site site);
enum class MmaType : uint8_t { kBFloat16, kFloat16, kTf32 };
// m16n8k16 (16-bit) and m16n8k8 (tf32): d = a b + c, float32 accumulators.
void mma_float(MmaType type, float* d, const uint32_t* a, const uint32_t* b, const float* c, Site site);
// m16n8k32, signed 8-bit, int32 accumulators.
void mma_s8(int32_t* d, const uint32_t* a, const uint32_t* b, const int32_t* c, Site site);

// ---- Asynchronous copies
// `bytes` is 4, 8 or 16; past source_bytes the destination is filled with zeros.
void cp_async(uint32_t destination, const void* source, uint32_t bytes, uint32_t source_bytes, Site site);
void cp_async_commit_group(Site site);
void cp_async_wait_group(uint32_t pending, Site site);

// ---- Barriers in shared memory and bulk copies (sm_90)
void mbarrier_init(uint32_t address, uint32_t count, Site site);
void mbarrier_arrive(uint32_t address, Site site);
void mbarrier_arrive_expect_tx(uint32_t address, uint32_t bytes, Site site);
// Until the phase of that parity is over.
void mbarrier_wait_parity(uint32_t address, uint32_t parity, Site site);
void fence_proxy_async(Site site);
// Stands for CUtensorMap: a two-dimensional tensor and the box that a copy moves.
struct TensorMap {
  const void* base;
  int64_t width, height;  // in elements
  uint64_t pitch;         // bytes from row to row
  uint32_t element_bytes, box_width, box_height;
  bool swizzle_128;
};
// Zeros outside the tensor; the barrier counts the bytes.
void tensor_copy_2d(uint32_t destination, const TensorMap& map, int32_t x, int32_t y, uint32_t barrier,
                    Site site);

// ---- Products of a warp group (sm_90a): descriptors of matrices in rows of 128 bytes with the 128-byte swizzle
void wgmma_fence(Site site);
// 64 x 64 (+)= 64 x 16 times 16 x 64, 32 float32 accumulators a thread.
void wgmma_m64n64k16_bf16(float* d, uint64_t a, uint64_t b, bool accumulate, bool transpose_a,
                          bool transpose_b, Site site);
void wgmma_commit_group(Site site);
void wgmma_wait_group(uint32_t pending, Site site);
void setmaxnreg(uint32_t registers, Site site);

// ---- Programmatic dependent launch
void griddepcontrol_wait(Site site);
void griddepcontrol_launch_dependents(Site site);

// ---- Approximate arithmetic: exact here, or (numerics mode) off by up to the PTX manual's bound
float ex2_approx_ftz(float x);
float lg2_approx_ftz(float x);
float rcp_approx_ftz(float x);
float rsqrt_approx_ftz(float x);
float tanh_approx(float x);

[[noreturn]] void trap(Site site);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
