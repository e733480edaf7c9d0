// One kernel for each group of cuda/ptx's functions, run by primitives_test on the emulator and on a GPU.
#pragma once

#include "cuda/ptx/global.h"
#include "cuda/runtime/kernel.h"

namespace wl::test {

struct PrimitiveParams {
  cuda::Global<const uint32_t> in;
  cuda::Global<uint32_t> out;
};
using Primitive = cuda::Kernel<PrimitiveParams>;

constexpr uint32_t kPrimitiveSharedBytes = 8192;

extern const Primitive kSpecial, kConversions, kArithmetic, kApproximations, kLoads, kStores, kOrdered,
    kAtomics, kShared, kShuffles, kVotes, kBarriers, kCopies, kMatrixLoads, kProductBFloat16, kProductFloat16,
    kProductTf32, kProductInt8;
// For compute capability 9.0.
extern const Primitive kMatrixStores, kTransactions, kDependents;

}  // namespace wl::test
