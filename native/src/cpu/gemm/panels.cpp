// Panels and rows: conversions at the speed of the cache.
//
// A panel is the transpose of 16 weight rows in units of 32 bits (a float, or a pair of 16-bit elements). Four
// units of every row are taken at a time: vector r holds the units of rows r, r + 4, r + 8, ... in its blocks of
// 128 bits, and a 4 x 4 transpose inside the blocks gives the panel's rows. Bound by loads, one a row and block.
#include "cpu/gemm/panels.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/gemm/panels.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format off
#include "cpu/simd-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace wl::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kRows = 16;
// Units of each weight row that are copied together: whole cache lines, so that rows which fall into one cache set
// (any power of two apart) are read once, and the transpose works on memory without such conflicts.
constexpr int64_t kPiece = 64;
// Bytes that are asked for ahead in each row: 16 rows are more streams than the processor foresees by itself.
constexpr int64_t kAhead = 1024;

void transpose(const uint32_t (&rows)[kRows][kPiece + 16], int64_t units, uint32_t* panel) {
  using U32 = hn::RebindToUnsigned<F32>;
  using U64 = hn::RepartitionToWide<U32>;
  const U32 d;
  const U64 d64;
  constexpr int64_t kLanes = HWY_TARGET == HWY_AVX2 ? 8 : 16;
  constexpr int64_t kBlocks = kLanes / 4;
  const auto block_of_lane = hn::ShiftRight<2>(hn::Iota(d, 0));
  int64_t i = 0;
  for (; i + 4 <= units; i += 4) {
    for (int64_t group = 0; group < kRows; group += kLanes) {
      hn::Vec<U32> v[4];
#pragma GCC unroll 4
      for (int64_t r = 0; r < 4; ++r) {
        const auto piece = [&](int64_t block)
                               HWY_ATTR { return hn::LoadDup128(d, rows[group + 4 * block + r] + i); };
        v[r] = piece(0);
#pragma GCC unroll 4
        for (int64_t block = 1; block < kBlocks; ++block)
          v[r] = hn::IfThenElse(hn::Eq(block_of_lane, hn::Set(d, static_cast<uint32_t>(block))), piece(block),
                                v[r]);
      }
      const auto low01 = hn::BitCast(d64, hn::InterleaveLower(d, v[0], v[1]));
      const auto high01 = hn::BitCast(d64, hn::InterleaveUpper(d, v[0], v[1]));
      const auto low23 = hn::BitCast(d64, hn::InterleaveLower(d, v[2], v[3]));
      const auto high23 = hn::BitCast(d64, hn::InterleaveUpper(d, v[2], v[3]));
      uint32_t* out = panel + i * kRows + group;
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, low01, low23)), d, out);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, low01, low23)), d, out + kRows);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, high01, high23)), d, out + 2 * kRows);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, high01, high23)), d, out + 3 * kRows);
    }
  }
  for (; i < units; ++i) {
    for (int64_t r = 0; r < kRows; ++r) panel[i * kRows + r] = rows[r][i];
  }
}

template <class Type>
void widen(const uint16_t* source, float* target, int64_t count) {
  constexpr int64_t kLanes = HWY_TARGET == HWY_AVX2 ? 8 : 16;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(Float32(), load(Type(), source, i), target, i);
  if (i < count) {
    uint16_t rest[kLanes] = {};
    float wide[kLanes];
    std::memcpy(rest, source + i, static_cast<size_t>(count - i) * 2);
    store(Float32(), load(Type(), rest, 0), wide, 0);
    std::memcpy(target + i, wide, static_cast<size_t>(count - i) * 4);
  }
}

void to_float(int32_t dtype, const void* source, float* target, int64_t count) {
  const auto* halves = static_cast<const uint16_t*>(source);
  if (dtype == WL_DTYPE_FLOAT32) std::memcpy(target, source, static_cast<size_t>(count) * 4);
  if (dtype == WL_DTYPE_FLOAT16) widen<Float16>(halves, target, count);
  if (dtype == WL_DTYPE_BFLOAT16) widen<BFloat16>(halves, target, count);
}

// Both elements of 16 pairs a step: bfloat16 by shifts, float16 by splitting first.
void expand(int32_t dtype, const uint16_t* pairs, int64_t count, float* panel) {
  const F32 d;
  const hn::RebindToUnsigned<F32> d32;
  constexpr int64_t kLanes = HWY_TARGET == HWY_AVX2 ? 8 : 16;
  for (int64_t k = 0; k < count; k += 2) {
    for (int64_t j = 0; j < kRows; j += kLanes) {
      const auto pair = hn::LoadU(d32, reinterpret_cast<const uint32_t*>(pairs + k * kRows) + j);
      VF first, second;
      if (dtype == WL_DTYPE_BFLOAT16) {
        first = hn::BitCast(d, hn::ShiftLeft<16>(pair));
        second = hn::BitCast(d, hn::And(pair, hn::Set(d32, 0xffff0000u)));
      } else {
        const hn::Rebind<uint16_t, F32> d16;
        uint16_t low[kLanes], high[kLanes];
        hn::StoreU(hn::TruncateTo(d16, pair), d16, low);
        hn::StoreU(hn::TruncateTo(d16, hn::ShiftRight<16>(pair)), d16, high);
        first = load(Float16(), low, 0);
        second = load(Float16(), high, 0);
      }
      hn::StoreU(first, d, panel + k * kRows + j);
      if (k + 1 < count) hn::StoreU(second, d, panel + (k + 1) * kRows + j);
    }
  }
}

void pack(bool in_pairs, int32_t dtype, const void* weight, int64_t row_stride, int64_t rows, int64_t count,
          void* panel) {
  const int64_t size = dtype == WL_DTYPE_FLOAT32 ? 4 : 2, group = in_pairs ? 2 : 1;
  alignas(64) uint32_t copy[kRows][kPiece + 16];
  for (int64_t r = rows; r < kRows; ++r) std::memset(copy[r], 0, sizeof copy[r]);
  for (int64_t k = 0; k < count; k += kPiece * group) {
    const int64_t piece = std::min(kPiece * group, count - k), units = ceil_div(piece, group);
    for (int64_t r = 0; r < rows; ++r) {
      const char* source = static_cast<const char*>(weight) + (r * row_stride + k) * size;
      for (int64_t line = 0; line < piece * size; line += 64)
        __builtin_prefetch(source + kAhead + line, 0, 2);
      if (piece * size == kPiece * 4) {  // A constant size becomes a few moves in place of a call.
        std::memcpy(copy[r], source, kPiece * 4);
      } else if (in_pairs) {
        if (piece % 2 != 0) copy[r][units - 1] = 0;
        std::memcpy(copy[r], source, static_cast<size_t>(piece) * 2);
      } else {
        to_float(dtype, source, reinterpret_cast<float*>(copy[r]), piece);
      }
    }
    transpose(copy, units, static_cast<uint32_t*>(panel) + k / group * kRows);
  }
}

}  // namespace

void to_float_row(int32_t dtype, const void* source, float* target, int64_t count) {
  to_float(dtype, source, target, count);
}
void pack_panel_on(bool in_pairs, int32_t dtype, const void* weight, int64_t row_stride, int64_t rows,
                   int64_t count, void* panel) {
  pack(in_pairs, dtype, weight, row_stride, rows, count, panel);
}
void expand_panel_on(int32_t dtype, const uint16_t* pairs, int64_t count, float* panel) {
  expand(dtype, pairs, count, panel);
}

}  // namespace wl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wl::cpu {

void prepare_row(Isa isa, bool dot, int32_t dtype, const void* source, void* target, int64_t count,
                 int64_t padded) {
  const int64_t size = dot ? 2 : 4;
  if (dot) {
    std::memcpy(target, source, static_cast<size_t>(count * size));
  } else {
    const auto convert = isa >= Isa::kAvx512 ? &N_AVX3::to_float_row : &N_AVX2::to_float_row;
    convert(dtype, source, static_cast<float*>(target), count);
  }
  std::memset(static_cast<char*>(target) + count * size, 0, static_cast<size_t>((padded - count) * size));
}

void pack_panel(Isa isa, bool in_pairs, int32_t dtype, const void* weight, int64_t row_stride, int64_t rows,
                int64_t count, void* panel) {
  const auto pack = isa >= Isa::kAvx512 ? &N_AVX3::pack_panel_on : &N_AVX2::pack_panel_on;
  pack(in_pairs, dtype, weight, row_stride, rows, count, panel);
}

void expand_panel(Isa isa, int32_t dtype, const uint16_t* pairs, int64_t count, float* panel) {
  const auto expand = isa >= Isa::kAvx512 ? &N_AVX3::expand_panel_on : &N_AVX2::expand_panel_on;
  expand(dtype, pairs, count, panel);
}

}  // namespace wl::cpu
#endif  // HWY_ONCE
