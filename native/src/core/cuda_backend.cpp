#include "core/cuda_backend.h"

#include "core/failure.h"

namespace wl {
namespace {

constinit const CudaBackend* g_backend = nullptr;

}  // namespace

const CudaBackend* cuda_backend() noexcept { return g_backend; }
void set_cuda_backend(const CudaBackend* backend) noexcept { g_backend = backend; }

void not_served_on_cuda(const char* op) {
  throw Failure{WL_STATUS_UNSUPPORTED, "at.device_kind", std::string(op) + " is not served on cuda"};
}

}  // namespace wl
