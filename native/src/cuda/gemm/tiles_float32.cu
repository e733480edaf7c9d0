// Tile kernels of float32 and of mixed types, multiplied as float32: three products of tf32.
#include "cuda/gemm/instances.h"
#include "cuda/gemm/tiles.h"

namespace wl::cuda::product {
namespace {

template <int kShape, bool kChunked>
constexpr auto kTiles = &tiles<tile::Float32, kShape, kChunked>;
constexpr uint32_t shared_bytes(int shape) {
  return static_cast<uint32_t>(kFloat32Tiles[shape].shape.shared_bytes());
}

const GemmKernelInstance kChunked[kTileShapes] = {
    {"gemm.tiles128x64.sm80.float32", kTiles<0, true>, shared_bytes(0)},
    {"gemm.tiles64x64.sm80.float32", kTiles<1, true>, shared_bytes(1)},
    {"gemm.tiles16x64.sm80.float32", kTiles<2, true>, shared_bytes(2)},
};
const GemmKernelInstance kAny[kTileShapes - kFirstAnyShape] = {
    {"gemm.tiles64x64_any.sm80.float32", kTiles<1, false>, shared_bytes(1)},
    {"gemm.tiles16x64_any.sm80.float32", kTiles<2, false>, shared_bytes(2)},
};

}  // namespace

const GemmKernelInstance& tiles_float32(int shape, bool chunked) {
  return chunked ? kChunked[shape] : kAny[shape - kFirstAnyShape];
}

}  // namespace wl::cuda::product
