#include "cpu/gemm/gemm.h"

#include <warpline/gemm.h>

#include "core/cuda_backend.h"
#include "core/failure.h"
#include "core/packed_weight.h"
#include "core/params.h"
#include "core/tensor.h"

namespace {

using wl::GemmProblem;
using wl::GemmWeight;
using wl::Launch;

// A weight of n x k in one of its two forms. `expected` is -1 where n or k is free yet.
GemmWeight read_weight(const wl_tensor& plain, const char* name, const void* packed, uint64_t packed_bytes,
                       const char* packed_name, const wl_tensor& x, const Launch& launch, int64_t* n,
                       const char* n_reason) {
  const auto require = [](int64_t value, int64_t expected, const std::string& what, const char* why) {
    if (value != expected) wl::invalid(what, wl::text(value), wl::text(expected) + ", " + why);
  };
  if (packed == nullptr) {
    if (packed_bytes != 0) {
      wl::invalid(packed_name, "NULL with " + wl::text(packed_bytes) + " bytes", "an address, or of 0 bytes");
    }
    wl::require_tensor(plain, name, wl::kFloats, 2);
    wl::require_combination(x, "x", plain, name);
    if (*n >= 0) wl::require_extent(plain, name, 0, *n, n_reason);
    wl::require_extent(plain, name, 1, x.shape[1], "the K of x");
    *n = plain.shape[0];
    return {plain.data, plain.dtype, plain.strides[0], false};
  }
  if (wl::present(plain))
    wl::invalid(packed_name, "given beside " + std::string(name), "one of the two only");
  if (launch.cuda()) {
    wl::fail(WL_STATUS_UNSUPPORTED, packed_name, "given",
             std::string("NULL on CUDA: give the weight as it is, as ") + name);
  }
  const wl_packed_weight_header header = wl::read_packed_weight(packed, packed_bytes, packed_name);
  wl_tensor stored{};
  stored.dtype = header.dtype;
  wl::require_combination(x, "x", stored, packed_name);
  if (*n >= 0) require(header.n, *n, std::string(packed_name) + ".n", n_reason);
  require(header.k, x.shape[1], std::string(packed_name) + ".k", "the K of x");
  *n = header.n;
  return {wl::packed_panels(packed), header.dtype, 0, true};
}

void require_bias(const wl_tensor& bias, const char* name, int64_t n) {
  if (!wl::present(bias)) return;
  wl::require_tensor(bias, name, wl::kFloats, 1, 1, wl::LastStride::kFree);
  wl::require_extent(bias, name, 0, n, "the N of weight");
}

GemmProblem read_problem(const wl_gemm_params* params, const Launch& launch) {
  const wl_gemm_params p = wl::read_params(params);
  if (p.activation < WL_ACTIVATION_NONE || p.activation > WL_ACTIVATION_RELU) {
    wl::invalid("activation", wl::text(p.activation),
                "NONE (0), GELU (1), GELU_TANH (2), SILU (3) or RELU (4)");
  }
  wl::require_tensor(p.x, "x", wl::kFloats, 2);
  if (!wl::present(p.weight) && p.packed == nullptr) {
    wl::invalid("weight", "absent", "given, as a tensor or as packed bytes");
  }
  GemmProblem problem{};
  int64_t n = -1;
  problem.weight = read_weight(p.weight, "weight", p.packed, p.packed_bytes, "packed", p.x, launch, &n, "");
  if (wl::present(p.up_weight) || p.up_packed != nullptr || p.up_packed_bytes != 0) {
    problem.up = read_weight(p.up_weight, "up_weight", p.up_packed, p.up_packed_bytes, "up_packed", p.x,
                             launch, &n, "the N of weight");
    wl_tensor first{}, second{};
    first.dtype = problem.up.dtype;
    second.dtype = problem.weight.dtype;
    wl::require_combination(first, problem.up.packed ? "up_packed" : "up_weight", second,
                            problem.weight.packed ? "packed" : "weight");
  } else if (wl::present(p.up_bias)) {
    wl::invalid("up_bias", "given without a second weight", "absent");
  }
  require_bias(p.bias, "bias", n);
  require_bias(p.up_bias, "up_bias", n);
  wl::require_tensor(p.y, "y", wl::kFloats, 2);
  wl::require_extent(p.y, "y", 0, p.x.shape[0], "the M of x");
  wl::require_extent(p.y, "y", 1, n, "the N of weight");
  wl::require_dtype(p.y, "y", p.x.dtype, WL_DTYPE_FLOAT32, "x's type or float32");
  if (p.y.shape[0] > 1 && p.y.strides[0] < n) {
    wl::invalid("y.strides[0]", wl::text(p.y.strides[0]),
                "at least " + wl::text(n) + ": rows of y must not overlap");
  }
  if (wl::present(p.residual)) {
    wl::require_tensor(p.residual, "residual", wl::kFloats, 2);
    wl::require_same_shape(p.residual, "residual", p.y, "y");
  }
  problem.m = p.x.shape[0];
  problem.n = n;
  problem.k = p.x.shape[1];
  problem.activation = p.activation;
  problem.batch_invariant = launch.batch_invariant;
  problem.x = p.x;
  problem.bias = p.bias;
  problem.residual = p.residual;
  problem.y = p.y;
  problem.up_bias = p.up_bias;
  return problem;
}

// Bytes of workspace that a checked call needs. Fails where its device does not serve it.
uint64_t workspace_size(const GemmProblem& problem, const Launch& launch) {
  if (!launch.cuda()) return 0;
  const auto function = wl::cuda_table().gemm_workspace;
  if (function == nullptr) wl::not_served_on_cuda("wl_gemm");
  return function(problem, launch);
}

wl_tensor read_plain_weight(const wl_tensor* weight, bool data_is_read) {
  if (weight == nullptr) wl::invalid("weight", "NULL", "the address of a tensor");
  wl_tensor checked = *weight;
  // The size alone needs no data: any aligned address stands for it.
  if (!data_is_read) checked.data = reinterpret_cast<void*>(sizeof(float));
  wl::require_tensor(checked, "weight", wl::kFloats, 2);
  return checked;
}

}  // namespace

extern "C" {

wl_status wl_gemm(const wl_gemm_params* params, const wl_launch* at) {
  return wl::guard("wl_gemm", [&] {
    const Launch launch = wl::read_launch(at);
    const GemmProblem problem = read_problem(params, launch);
    wl::require_workspace(launch, workspace_size(problem, launch));
    wl::dispatch(
        launch, "wl_gemm", [&] { wl::cpu::gemm(problem); }, &wl::CudaBackend::gemm, problem, launch);
  });
}

wl_status wl_gemm_supported(const wl_gemm_params* params, const wl_launch* at, char* reason,
                            uint64_t reason_bytes) {
  const wl_status status = wl::guard("wl_gemm", [&] {
    const Launch launch = wl::read_launch(at);
    const GemmProblem problem = read_problem(params, launch);
    if (launch.cuda()) {
      workspace_size(problem, launch);
    } else {
      wl::require_options();
    }
  });
  return wl::copy_reason(status, reason, reason_bytes);
}

wl_status wl_gemm_workspace_size(const wl_gemm_params* params, const wl_launch* at, uint64_t* bytes) {
  return wl::guard("wl_gemm_workspace_size", [&] {
    if (bytes == nullptr) wl::invalid("bytes", "NULL", "an address");
    const Launch launch = wl::read_launch(at);
    *bytes = workspace_size(read_problem(params, launch), launch);
  });
}

wl_status wl_gemm_pack_size(const wl_tensor* weight, uint64_t* bytes) {
  return wl::guard("wl_gemm_pack_size", [&] {
    const wl_tensor checked = read_plain_weight(weight, false);
    if (bytes == nullptr) wl::invalid("bytes", "NULL", "an address");
    *bytes = wl::packed_weight_bytes(checked.dtype, checked.shape[0], checked.shape[1], "weight.shape");
  });
}

wl_status wl_gemm_pack(const wl_tensor* weight, void* packed, uint64_t packed_bytes) {
  return wl::guard("wl_gemm_pack", [&] {
    const wl_tensor checked = read_plain_weight(weight, true);
    const wl_packed_weight_header header =
        wl::packed_weight_header(checked.dtype, checked.shape[0], checked.shape[1]);
    if (packed == nullptr) wl::invalid("packed", "NULL", "an address");
    if (reinterpret_cast<uintptr_t>(packed) % 64 != 0)
      wl::invalid("packed", "misaligned", "aligned to 64 bytes");
    if (packed_bytes < header.bytes) {
      wl::invalid("packed_bytes", wl::text(packed_bytes), "at least " + wl::text(header.bytes));
    }
    if constexpr (wl::kHoldsCpu) {
      std::memcpy(packed, &header, sizeof header);
      wl::cpu::pack_weight(checked, const_cast<void*>(wl::packed_panels(packed)));
    } else {
      throw wl::Failure{WL_STATUS_UNSUPPORTED, "",
                        "packed weights are the CPU's, and this library was built without its backend"};
    }
  });
}

}  // extern "C"
