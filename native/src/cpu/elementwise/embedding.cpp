// y[t] = table[ids[t]], converted between the types in chunks that pass through a float32 buffer on the
// stack; equal types are copied bit by bit. A task works on whole rows. Bound by memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/elementwise/embedding.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "core/failure.h"
#include "core/tensor.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {

void convert_row(const wl_tensor& from, int64_t from_offset, const wl_tensor& to, int64_t to_offset,
                 int64_t count) {
  constexpr int64_t kChunk = 512;
  alignas(64) float h[kChunk];
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    const int64_t n = count - begin < kChunk ? count - begin : kChunk;
    widen(from.dtype, from.data, from_offset + begin, n, h);
    narrow(to.dtype, h, n, to.data, to_offset + begin);
  }
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void embedding(const wl_embedding_params& p) {
  static constexpr KernelNames kNames = WL_KERNEL_NAMES("elementwise.embedding");
  const bool avx512 = use_avx512();
  set_last_kernel(kNames.of(avx512, p.table.dtype));
  if (elements(p.y) == 0) return;
  const auto convert = avx512 ? &N_AVX3::convert_row : &N_AVX2::convert_row;
  const int64_t n = p.table.shape[1], size = element_size(p.table.dtype);
  for_rows(Arena(), p.y.shape[0], n, [&](int64_t t, int) {
    const int64_t from = index_at(p.ids, t) * p.table.strides[0], to = t * p.y.strides[0];
    if (p.table.dtype != p.y.dtype) return convert(p.table, from, p.y, to, n);
    std::memcpy(static_cast<char*>(p.y.data) + to * size,
                static_cast<const char*>(p.table.data) + from * size, static_cast<size_t>(n * size));
  });
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
