// The CUDA host API, or the emulator's. Included by cuda/runtime only.
#pragma once

#if defined(WL_EMULATED)
#include "emulator/host/host.h"
namespace wl::cuda {
using namespace emu;  // NOLINT: the API's own names, which CUDA has in the global namespace
}
#else
#include <cuda_runtime_api.h>
#endif
