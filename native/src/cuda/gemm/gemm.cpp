#include "cuda/gemm/gemm.h"

#include "core/failure.h"
#include "core/options.h"
#include "core/rounding.h"
#include "core/tensor.h"
#include "cuda/gemm/instances.h"
#include "cuda/gemm/select.h"
#include "cuda/runtime/device.h"
#include "cuda/runtime/launch.h"

namespace wl::cuda {
namespace {

using product::GemmParams;
using product::Selection;
using product::View;

// Indices inside a kernel are 32 bits, with room for the steps past the end of k.
constexpr int64_t kLargestExtent = (int64_t{1} << 31) - (int64_t{1} << 20);
constexpr int64_t kLargestGrid = (int64_t{1} << 31) - 1;

void require_extents(const GemmProblem& p) {
  const auto require = [](int64_t value, const char* name) {
    if (value > kLargestExtent) {
      fail(WL_STATUS_UNSUPPORTED, name, text(value), "at most " + text(kLargestExtent) + " on cuda");
    }
  };
  require(p.m, "x.shape[0]");
  require(p.k, "x.shape[1]");
  require(p.n, "y.shape[1]");
}

// Nothing to compute where y is empty.
bool empty(const GemmProblem& p) { return p.m == 0 || p.n == 0; }

Selection selection(const GemmProblem& p, const Launch& at) {
  return product::select(p, forced_gemm_kernel(), multiprocessors(at.device_index));
}

// Four elements from here on may move as one access.
bool four_aligned(const void* data, int32_t dtype) {
  return reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(4 * element_size(dtype)) == 0;
}

View view(void* data, int32_t dtype, int64_t stride, int64_t rows) {
  return {data, stride, dtype, four_aligned(data, dtype) && (rows <= 1 || stride % 4 == 0)};
}
View view(const wl_tensor& t) {
  return present(t) ? view(t.data, t.dtype, t.strides[0], t.shape[0]) : View{};
}
View vector_view(const wl_tensor& t) {
  if (!present(t)) return {};
  return {t.data, t.strides[0], t.dtype, four_aligned(t.data, t.dtype) && t.strides[0] == 1};
}
View view(const GemmWeight& w, int64_t rows) {
  return w.dtype == WL_DTYPE_NONE ? View{} : view(const_cast<void*>(w.data), w.dtype, w.row_stride, rows);
}

GemmParams parameters(const GemmProblem& p, const Selection& s, const Launch& at) {
  GemmParams params{};
  params.x = view(p.x);
  params.weight = view(p.weight, p.n);
  params.up = view(p.up, p.n);
  params.bias = vector_view(p.bias);
  params.up_bias = vector_view(p.up_bias);
  params.residual = view(p.residual);
  params.y = view(p.y);
  params.gated = p.gated();
  params.m = static_cast<int32_t>(p.m);
  params.n = static_cast<int32_t>(p.n);
  params.k = static_cast<int32_t>(p.k);
  params.activation = p.activation;
  params.splits = s.splits;
  params.split_k = s.split_k;
  params.partials = s.splits > 1 ? static_cast<float*>(at.workspace) : nullptr;
  params.partial_stride = product::partial_stride(p);
  return params;
}

const product::GemmKernelInstance& rows_instance(const GemmProblem& p, const Selection& s) {
  if (!s.chunked) return product::rows_any(p.m);
  const bool wide = p.x.dtype != p.weight.dtype;
  if (p.weight.dtype == WL_DTYPE_BFLOAT16) return product::rows_bfloat16(p.m, wide);
  if (p.weight.dtype == WL_DTYPE_FLOAT16) return product::rows_float16(p.m, wide);
  return product::rows_float32(p.m);
}

const product::GemmKernelInstance& tiles_instance(const GemmProblem& p, const Selection& s) {
  if (s.multiply == product::Multiply::kFloat32) return product::tiles_float32(s.shape, s.chunked);
  return p.x.dtype == WL_DTYPE_BFLOAT16 ? product::tiles_bfloat16(s.shape, s.chunked)
                                        : product::tiles_float16(s.shape, s.chunked);
}

uint32_t grid_blocks(int64_t blocks) {
  if (blocks > kLargestGrid) {
    fail(WL_STATUS_UNSUPPORTED, "y.shape", "of " + text(blocks) + " tiles", "at most " + text(kLargestGrid));
  }
  return static_cast<uint32_t>(blocks);
}

void launch_rows(const GemmProblem& p, const Selection& s, const Launch& at) {
  const LaunchShape shape = {.grid = {grid_blocks(ceil_div(p.n, product::kRowsColumns))},
                             .threads = product::kRowsWarps * 32,
                             .shared_bytes = product::kRowsSharedBytes};
  launch(rows_instance(p, s), shape, at, parameters(p, s, at));
}

void launch_tiles(const GemmProblem& p, const Selection& s, const Launch& at) {
  const product::TileShape& tile = product::tuning_rows(s.multiply)[s.shape].shape;
  const int64_t columns = p.gated() ? tile.n / 2 : tile.n;
  const LaunchShape shape = {
      .grid = {grid_blocks(ceil_div(p.m, tile.m) * ceil_div(p.n, columns)), static_cast<uint32_t>(s.splits)},
      .threads = static_cast<uint32_t>(tile.threads()),
      .shared_bytes = static_cast<uint32_t>(tile.shared_bytes())};
  const GemmParams params = parameters(p, s, at);
  const product::GemmKernelInstance& kernel = tiles_instance(p, s);
  launch(kernel, shape, at, params);
  if (s.splits == 1) return;
  const LaunchShape merge = {.grid = {grid_blocks(ceil_div(p.m * ceil_div(p.n, 4), product::kMergeThreads))},
                             .threads = product::kMergeThreads};
  launch(product::merge_kernel(), merge, at, params);
  set_last_kernel(kernel.name());
}

}  // namespace

void gemm(const GemmProblem& p, const Launch& at) {
  require_extents(p);
  if (empty(p)) return;
  const Selection s = selection(p, at);
  s.rows ? launch_rows(p, s, at) : launch_tiles(p, s, at);
}

uint64_t gemm_workspace(const GemmProblem& p, const Launch& at) {
  require_extents(p);
  return empty(p) ? 0 : product::partial_bytes(p, selection(p, at));
}

}  // namespace wl::cuda
