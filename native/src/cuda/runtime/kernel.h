// A kernel instance as the host sees it: one constant at namespace scope beside its launcher, which the list of all
// kernels finds by itself.
//
//   const Kernel<NormParams> kNorm("norm.rows.sm80.bfloat16", &norm_kernel<bfloat16>, shared_bytes);
#pragma once

#include <cstdint>

#include "cuda/runtime/api.h"

namespace wl::cuda {

class KernelBase {
 public:
  KernelBase(const KernelBase&) = delete;
  KernelBase& operator=(const KernelBase&) = delete;

  const char* name() const { return name_; }  // as wl_last_kernel says it
  const void* function() const { return function_; }
  // The dynamic shared memory of a block at most.
  uint32_t shared_bytes() const { return shared_bytes_; }

  // Loads the kernel for the current device, once, and sets its attributes in the current context. Fails with UNSUPPORTED where
  // the library holds no code for the device, or its blocks have less shared memory.
  void prepare(int device) const;
  // Blocks of `threads` that one multiprocessor of the current device holds.
  int blocks_per_multiprocessor(int device, uint32_t threads, uint32_t shared_bytes) const;

 protected:
  KernelBase(const char* name, const void* function, uint32_t shared_bytes) noexcept;

 private:
  friend void prepare_kernels(int device);
  const char* name_;
  const void* function_;
  uint32_t shared_bytes_;
  const KernelBase* next_;
};

// Prepares all kernels of the library.
void prepare_kernels(int device);

template <class Parameters>
class Kernel : public KernelBase {
 public:
  // `shared_bytes`: the dynamic shared memory of a block at most.
  Kernel(const char* name, void (*function)(const Parameters), uint32_t shared_bytes = 0)
      : KernelBase(name, reinterpret_cast<const void*>(function), shared_bytes) {
#if defined(WL_EMULATED)
    register_kernel(function, name);
#endif
  }
};

}  // namespace wl::cuda
