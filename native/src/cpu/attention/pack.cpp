// Packs keys and values of one head into the panels that the products read.
//
// Keys: a panel is 16 keys side by side, one step for each element of the head dimension: a transposition of 32-bit
// units (a float, or a pair of bfloat16). Four units of 16 rows at a time: the 128-bit parts of rows j, 4 + j,
// 8 + j, 12 + j form a vector, four such vectors are transposed within their 128-bit blocks, and each is then one
// step of the panel. Values: a panel is 16 columns of one key after the other, or of one pair of keys after the
// other, two keys interleaved. Bound by memory where the rows come from it, else by loads.
#include "cpu/attention/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/attention/pack.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "core/tensor.h"
#include "cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {
namespace {

using Part = hn::Full128<float>;

// Four 32-bit units of a row.
HWY_INLINE hn::Vec<Part> units(const std::byte* row, int64_t at) {
  const hn::Full128<uint8_t> d8;
  return hn::BitCast(Part(), hn::LoadU(d8, reinterpret_cast<const uint8_t*>(row) + 4 * at));
}

// Rows `first`, first + 4, ... side by side.
HWY_INLINE VF side_by_side(const std::byte* first, int64_t stride, int64_t at) {
#if HWY_TARGET == HWY_AVX2
  return hn::Combine(F32(), units(first + 4 * stride, at), units(first, at));
#else
  const hn::Half<F32> half;
  return hn::Combine(F32(), hn::Combine(half, units(first + 12 * stride, at), units(first + 8 * stride, at)),
                     hn::Combine(half, units(first + 4 * stride, at), units(first, at)));
#endif
}

// Rows of one head lie far apart, where the processor does not look ahead by itself: they are fetched this many
// rows before their turn.
constexpr int64_t kLine = 64;
constexpr int64_t kRowsAhead = 16;
HWY_INLINE void prefetch(const std::byte* row, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += kLine) __builtin_prefetch(row + i);
}

// panel[i][key] = unit i of row `key`, for 16 rows and whole groups of 4 units.
HWY_INLINE void transpose(const std::byte* rows, int64_t stride, int64_t groups, float* panel) {
  const F32 d;
  const hn::Repartition<double, F32> d64;
  for (int64_t at = 0; at < 4 * groups; at += 4) {
    for (int64_t key = 0; key < 16; key += kLanes) {
      const std::byte* first = rows + key * stride;
      const VF r0 = side_by_side(first, stride, at), r1 = side_by_side(first + stride, stride, at);
      const VF r2 = side_by_side(first + 2 * stride, stride, at);
      const VF r3 = side_by_side(first + 3 * stride, stride, at);
      const auto low01 = hn::BitCast(d64, hn::InterleaveLower(d, r0, r1));
      const auto low23 = hn::BitCast(d64, hn::InterleaveLower(d, r2, r3));
      const auto high01 = hn::BitCast(d64, hn::InterleaveUpper(d, r0, r1));
      const auto high23 = hn::BitCast(d64, hn::InterleaveUpper(d, r2, r3));
      float* to = panel + at * 16 + key;
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, low01, low23)), d, to);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, low01, low23)), d, to + 16);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, high01, high23)), d, to + 32);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, high01, high23)), d, to + 48);
    }
  }
}

// The last units of a row, fewer than four, one by one.
HWY_INLINE void transpose_rest(const std::byte* rows, int64_t stride, int64_t begin, int64_t end,
                               float* panel) {
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t key = 0; key < 16; ++key)
      std::memcpy(panel + i * 16 + key, rows + key * stride + 4 * i, sizeof(float));
  }
}

HWY_INLINE void transpose_panel(const std::byte* rows, int64_t stride, int64_t width, float* panel) {
  transpose(rows, stride, width / 4, panel);
  transpose_rest(rows, stride, width / 4 * 4, width, panel);
}

void pack_keys_float(const SourceRows& rows, float* temp, void* panels) {
  auto* panel = static_cast<float*>(panels);
  for (int64_t key = 0; key < rows.count; key += 16, panel += 16 * rows.width) {
    const std::byte* first = rows.data + key * rows.stride;
    for (int64_t i = key + kRowsAhead; i < rows.count && i < key + kRowsAhead + 16; ++i)
      prefetch(rows.data + i * rows.stride, rows.width * element_size(rows.dtype));
    const int64_t count = rows.count - key < 16 ? rows.count - key : 16;
    if (count == 16 && rows.dtype == WL_DTYPE_FLOAT32) {
      transpose_panel(first, rows.stride, rows.width, panel);
      continue;
    }
    const int64_t stride = rows.width + 16;
    for (int64_t i = 0; i < count; ++i)
      widen(rows.dtype, first + i * rows.stride, 0, rows.width, temp + i * stride);
    for (int64_t i = count; i < 16; ++i)
      std::memset(temp + i * stride, 0, static_cast<size_t>(4 * rows.width));
    transpose_panel(reinterpret_cast<const std::byte*>(temp), 4 * stride, rows.width, panel);
  }
}

void pack_keys_pairs(const SourceRows& rows, float* temp, void* panels) {
  auto* panel = static_cast<float*>(panels);
  const int64_t units = (rows.width + 1) / 2;
  for (int64_t key = 0; key < rows.count; key += 16, panel += 16 * units) {
    const std::byte* first = rows.data + key * rows.stride;
    for (int64_t i = key + kRowsAhead; i < rows.count && i < key + kRowsAhead + 16; ++i)
      prefetch(rows.data + i * rows.stride, rows.width * element_size(rows.dtype));
    const int64_t count = rows.count - key < 16 ? rows.count - key : 16;
    if (count == 16 && rows.width % 2 == 0) {
      transpose_panel(first, rows.stride, units, panel);
      continue;
    }
    const int64_t stride = units + 16;
    std::memset(temp, 0, static_cast<size_t>(16 * 4 * stride));
    for (int64_t i = 0; i < count; ++i)
      std::memcpy(temp + i * stride, first + i * rows.stride, static_cast<size_t>(2 * rows.width));
    transpose_panel(reinterpret_cast<const std::byte*>(temp), 4 * stride, units, panel);
  }
}

template <class Type>
void pack_values_as(Type type, const SourceRows& rows, int64_t panel_stride, float* panels) {
  const F32 d;
  const int64_t whole = rows.width / 16 * 16, rest = rows.width - whole;
  for (int64_t key = 0; key < rows.count; ++key) {
    const std::byte* row = rows.data + key * rows.stride;
    if (key + kRowsAhead < rows.count)
      prefetch(row + kRowsAhead * rows.stride, rows.width * element_size(rows.dtype));
    float* to = panels + key * 16;
    for (int64_t column = 0; column < whole; column += 16, to += panel_stride) {
      for (int64_t i = 0; i < 16; i += kLanes) hn::StoreU(load(type, row, column + i), d, to + i);
    }
    if (rest == 0) continue;
    widen(rows.dtype, row, whole, rest, to);
    std::memset(to + rest, 0, static_cast<size_t>(4 * (16 - rest)));
  }
  const int64_t padding = (16 - rows.count % 16) % 16 * 16;
  for (int64_t column = 0; column < rows.width; column += 16, panels += panel_stride)
    std::memset(panels + rows.count * 16, 0, static_cast<size_t>(4 * padding));
}

void pack_values_float(const SourceRows& rows, int64_t panel_stride, void* panels) {
  auto* to = static_cast<float*>(panels);
  switch (rows.dtype) {
    case WL_DTYPE_FLOAT16:
      return pack_values_as(Float16(), rows, panel_stride, to);
    case WL_DTYPE_BFLOAT16:
      return pack_values_as(BFloat16(), rows, panel_stride, to);
    default:
      return pack_values_as(Float32(), rows, panel_stride, to);
  }
}

// 16 columns of two keys, interleaved.
HWY_INLINE void interleave(const uint16_t* even, const uint16_t* odd, uint16_t* to) {
  const hn::Rebind<uint16_t, F32> d16;
  const hn::RebindToUnsigned<F32> d32;
  for (int64_t i = 0; i < 16; i += kLanes) {
    const auto low = hn::PromoteTo(d32, hn::LoadU(d16, even + i));
    const auto high = hn::PromoteTo(d32, hn::LoadU(d16, odd + i));
    hn::StoreU(hn::BitCast(hn::Repartition<uint16_t, F32>(), hn::Or(low, hn::ShiftLeft<16>(high))),
               hn::Repartition<uint16_t, F32>(), to + 2 * i);
  }
}

void pack_values_pairs(const SourceRows& rows, int64_t panel_stride, void* panels) {
  static constexpr uint16_t kZeros[16] = {};
  auto* first = static_cast<uint16_t*>(panels);
  const int64_t whole = rows.width / 16 * 16, rest = rows.width - whole;
  for (int64_t key = 0; key < rows.count; key += 2) {
    const auto* even = reinterpret_cast<const uint16_t*>(rows.data + key * rows.stride);
    const bool paired = key + 1 < rows.count;
    for (int64_t i = key + kRowsAhead; i < rows.count && i < key + kRowsAhead + 2; ++i)
      prefetch(rows.data + i * rows.stride, 2 * rows.width);
    const auto* odd = reinterpret_cast<const uint16_t*>(rows.data + (key + 1) * rows.stride);
    uint16_t* to = first + key * 16;
    for (int64_t column = 0; column < whole; column += 16, to += panel_stride)
      interleave(even + column, paired ? odd + column : kZeros, to);
    if (rest == 0) continue;
    uint16_t even_rest[16] = {}, odd_rest[16] = {};
    std::memcpy(even_rest, even + whole, static_cast<size_t>(2 * rest));
    if (paired) std::memcpy(odd_rest, odd + whole, static_cast<size_t>(2 * rest));
    interleave(even_rest, odd_rest, to);
  }
  const int64_t written = (rows.count + 1) / 2 * 2;
  const int64_t padding = (16 - written % 16) % 16 * 16;
  for (int64_t column = 0; column < rows.width; column += 16, first += panel_stride)
    std::memset(first + written * 16, 0, static_cast<size_t>(2 * padding));
}

}  // namespace

const PackKernels kPackKernels = {&pack_keys_float, &pack_keys_pairs, &pack_values_float, &pack_values_pairs};

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

const PackKernels& pack_kernels(Isa isa) {
  return isa >= Isa::kAvx512 ? N_AVX3::kPackKernels : N_AVX2::kPackKernels;
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
