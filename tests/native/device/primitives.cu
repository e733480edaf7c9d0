// Each thread writes what a function gave it: word i of thread t to out[i * threads + t].
#include <type_traits>

#include "cuda/ptx/async.h"
#include "cuda/ptx/convert.h"
#include "cuda/ptx/math.h"
#include "cuda/ptx/matrix.h"
#include "cuda/ptx/mbarrier.h"
#include "cuda/ptx/shared.h"
#include "cuda/ptx/special.h"
#include "cuda/ptx/sync.h"
#include "device/primitives.h"

namespace wl::test {
using namespace cuda;

namespace {

// Kernels for compute capability 9.0 are empty in machine code for what came before.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
constexpr bool kHopper = false;
#else
constexpr bool kHopper = true;
#endif

WL_DEVICE uint32_t bits(float x) { return ptx::mov_b32_f32(x); }

// A block of 32 or 64 threads.
class Words {
 public:
  WL_DEVICE Words(const PrimitiveParams& p, uint32_t threads) : p_(p), threads_(threads) {}
  WL_DEVICE uint32_t in(uint32_t i) const {
    return ptx::ld_global_b32(p_.in + (i * threads_ + ptx::tid_x()));
  }
  WL_DEVICE float number(uint32_t i) const { return ptx::mov_f32_b32(in(i)); }
  WL_DEVICE void out(uint32_t x) { ptx::st_global_b32(p_.out + (next_++ * threads_ + ptx::tid_x()), x); }

 private:
  const PrimitiveParams& p_;
  uint32_t threads_, next_ = 0;
};

// Blocks of 32 threads, 2 x 3 x 2 of them.
WL_KERNEL(32, 1) special(const WL_GRID_CONSTANT PrimitiveParams p) {
  const uint32_t block =
      (ptx::ctaid_z() * ptx::nctaid_y() + ptx::ctaid_y()) * ptx::nctaid_x() + ptx::ctaid_x();
  const int64_t at = (block * 32 + ptx::tid_x()) * 2;
  ptx::st_global_b32(p.out + at, block * 1000 + ptx::tid_x());
  ptx::st_global_b32(p.out + (at + 1), ptx::nctaid_z() * 1000 + ptx::laneid());
}

WL_KERNEL(32, 1) conversions(const WL_GRID_CONSTANT PrimitiveParams p) {
  Words w(p, 32);
  const float a = w.number(0), b = w.number(1);
  w.out(ptx::cvt_rn_bf16_f32(a));
  w.out(ptx::cvt_rn_f16_f32(a));
  w.out(ptx::cvt_rna_tf32_f32(a));
  w.out(ptx::cvt_rn_bf16x2_f32(a, b));
  w.out(ptx::cvt_rn_f16x2_f32(a, b));
  w.out(bits(ptx::cvt_f32_bf16(static_cast<uint16_t>(w.in(2)))));
  w.out(bits(ptx::cvt_f32_f16(static_cast<uint16_t>(w.in(2)))));
}

WL_KERNEL(32, 1) arithmetic(const WL_GRID_CONSTANT PrimitiveParams p) {
  Words w(p, 32);
  const float a = w.number(0), b = w.number(1), c = w.number(2);
  w.out(bits(ptx::fma_rn_f32(a, b, c)));
  w.out(bits(ptx::abs_f32(a)));
  w.out(bits(ptx::min_f32(a, b)));
  w.out(bits(ptx::max_f32(a, b)));
  w.out(bits(ptx::div_rn_f32(a, b)));
  w.out(bits(ptx::sqrt_rn_f32(c)));
  w.out(ptx::prmt_b32(w.in(3), w.in(4), w.in(5)));
  w.out(ptx::popc_b32(w.in(3)));
}

WL_KERNEL(32, 1) approximations(const WL_GRID_CONSTANT PrimitiveParams p) {
  Words w(p, 32);
  const float x = w.number(0), positive = ptx::abs_f32(x);
  w.out(bits(ptx::ex2_approx_ftz_f32(x)));
  w.out(bits(ptx::lg2_approx_ftz_f32(positive)));
  w.out(bits(ptx::rcp_approx_ftz_f32(x)));
  w.out(bits(ptx::rsqrt_approx_ftz_f32(positive)));
  w.out(bits(ptx::tanh_approx_f32(x)));
}

// in: 32 x 4 words, byte i is i * 7.
WL_KERNEL(32, 1) loads(const WL_GRID_CONSTANT PrimitiveParams p) {
  Words w(p, 32);
  const uint32_t t = ptx::tid_x();
  const Global<const uint16_t> halves{reinterpret_cast<const uint16_t*>(p.in.address)};
  w.out(ptx::ld_global_b16(halves + t));
  w.out(ptx::ld_global_nc_b16(halves + t));
  w.out(ptx::ld_global_b32(p.in + t));
  w.out(ptx::ld_global_nc_b32(p.in + t));
  const U2 two[] = {ptx::ld_global_v2_b32(p.in + 2 * t), ptx::ld_global_nc_v2_b32(p.in + 2 * t)};
  for (const U2& x : two) w.out(x.x), w.out(x.y);
  const U4 four[] = {ptx::ld_global_v4_b32(p.in + 4 * t), ptx::ld_global_nc_v4_b32(p.in + 4 * t),
                     ptx::ld_global_nc_l1_no_allocate_v4_b32(p.in + 4 * t),
                     ptx::ld_relaxed_gpu_global_v4_b32(p.in + 4 * t)};
  for (const U4& x : four) w.out(x.x), w.out(x.y), w.out(x.z), w.out(x.w);
  w.out(ptx::ld_relaxed_gpu_global_b32(p.in + t));
  w.out(ptx::ld_acquire_gpu_global_b32(p.in + t));
}

// out: 16-bit, 32-bit, two words, four words a thread, then a word with release.
WL_KERNEL(32, 1) stores(const WL_GRID_CONSTANT PrimitiveParams p) {
  const uint32_t t = ptx::tid_x();
  ptx::st_global_b16(Global<uint16_t>{reinterpret_cast<uint16_t*>(p.out.address)} + t,
                     static_cast<uint16_t>(t * 257));
  ptx::st_global_b32(p.out + (16 + t), t * 3);
  ptx::st_global_v2_b32(p.out + (48 + 2 * t), {t, t + 100});
  ptx::st_global_v4_b32(p.out + (112 + 4 * t), {t, t + 1, t + 2, t + 3});
  ptx::st_release_gpu_global_b32(p.out + (240 + t), t * 5);
}

// A word goes from the first block to the second: by release and acquire, then by fences around relaxed accesses.
// out: flags 0 and 1, data 2 and 3, what the second block read at 4 and 5.
WL_KERNEL(32, 1) ordered(const WL_GRID_CONSTANT PrimitiveParams p) {
  if (ptx::tid_x() != 0) return;
  if (ptx::ctaid_x() == 0) {
    ptx::st_global_b32(p.out + 2, 1234);
    ptx::st_release_gpu_global_b32(p.out, 1);
    ptx::st_global_b32(p.out + 3, 5678);
    ptx::fence_acq_rel_gpu();
    ptx::atom_relaxed_gpu_global_add_u32(p.out + 1, 1);
  } else {
    while (ptx::ld_acquire_gpu_global_b32(p.out) == 0) {
    }
    ptx::st_global_b32(p.out + 4, ptx::ld_global_b32(p.out + 2));
    while (ptx::ld_relaxed_gpu_global_b32(p.out + 1) == 0) {
    }
    ptx::fence_acq_rel_gpu();
    ptx::st_global_b32(p.out + 5, ptx::ld_global_b32(p.out + 3));
  }
}

// Two blocks of 32. out: six counters, then a mark for each old value that some thread got: 64 of each addition, and of
// the exchange and compare-and-swap the sums.
WL_KERNEL(32, 1) atomics(const WL_GRID_CONSTANT PrimitiveParams p) {
  const uint32_t i = ptx::ctaid_x() * 32 + ptx::tid_x();
  const auto mark = [&](uint32_t table, uint32_t old) {
    ptx::st_global_b32(p.out + (8 + table * 64 + old), 1);
  };
  mark(0, ptx::atom_acq_rel_gpu_global_add_u32(p.out, 1));
  mark(1, ptx::atom_relaxed_gpu_global_add_u32(p.out + 1, 1));
  const Global<float> sum{reinterpret_cast<float*>(p.out.address) + 2};
  mark(2, static_cast<uint32_t>(ptx::atom_relaxed_gpu_global_add_f32(sum, 1.0f)));
  ptx::atom_relaxed_gpu_global_max_u32(p.out + 3, i * 10);
  // Each old value leaves the word once: all together are all that came in but one.
  ptx::atom_relaxed_gpu_global_add_u32(p.out + 5, i - ptx::atom_acq_rel_gpu_global_exch_b32(p.out + 4, i));
  // One of all finds zero.
  const uint32_t old = ptx::atom_acq_rel_gpu_global_cas_b32(p.out + 6, 0, i + 1);
  if (old == 0) ptx::atom_relaxed_gpu_global_add_u32(p.out + 7, 1);
}

WL_KERNEL(32, 1) shared(const WL_GRID_CONSTANT PrimitiveParams p) {
  Words w(p, 32);
  const uint32_t t = ptx::tid_x(), other = 31 - t;
  const SharedAddress base = ptx::shared_base();
  ptx::st_shared_b16(base + 2 * t, static_cast<uint16_t>(t + 1));
  ptx::st_shared_b32(base + 64 + 4 * t, t + 100);
  ptx::st_shared_v2_b32(base + 192 + 8 * t, {t, t * 2});
  ptx::st_shared_v4_b32(base + 448 + 16 * t, {t, t * 3, t * 5, t * 7});
  if (t == 0) ptx::st_shared_b32(base + 960, 10);
  ptx::bar_warp_sync();
  w.out(ptx::ld_shared_b16(base + 2 * other));
  w.out(ptx::ld_shared_b32(base + 64 + 4 * other));
  const U2 two = ptx::ld_shared_v2_b32(base + 192 + 8 * other);
  w.out(two.x), w.out(two.y);
  const U4 four = ptx::ld_shared_v4_b32(base + 448 + 16 * other);
  w.out(four.x), w.out(four.y), w.out(four.z), w.out(four.w);
  ptx::atom_shared_add_u32(base + 960, t);
  ptx::bar_warp_sync();
  w.out(ptx::ld_shared_b32(base + 960));
}

WL_KERNEL(32, 1) shuffles(const WL_GRID_CONSTANT PrimitiveParams p) {
  Words w(p, 32);
  const uint32_t t = ptx::tid_x();
  w.out(ptx::shfl_sync_idx_b32(t * 11, (t * 5 + 3) & 31));
  w.out(ptx::shfl_sync_bfly_b32(t * 11, 9));
  w.out(ptx::shfl_sync_up_b32(t * 11, 3));
  w.out(ptx::shfl_sync_down_b32(t * 11, 5));
  w.out(bits(ptx::shfl_sync_bfly_f32(static_cast<float>(t), 16)));
}

WL_KERNEL(32, 1) votes(const WL_GRID_CONSTANT PrimitiveParams p) {
  Words w(p, 32);
  const uint32_t t = ptx::tid_x();
  w.out(ptx::vote_sync_ballot_b32(t % 3 == 0));
  w.out(ptx::vote_sync_any(t == 17));
  w.out(ptx::vote_sync_any(t > 31));
  w.out(ptx::vote_sync_all(t < 32));
  w.out(ptx::vote_sync_all(t != 17));
}

// Two warps: the first hands words to the second, by a named barrier at which only the second waits; then both meet at
// another, then at the block's own.
WL_KERNEL(64, 1) barriers(const WL_GRID_CONSTANT PrimitiveParams p) {
  Words w(p, 64);
  const uint32_t t = ptx::tid_x();
  const SharedAddress at = ptx::shared_base() + 4 * t;
  if (t < 32) {
    ptx::st_shared_b32(at, t * 9);
    ptx::bar_arrive_named(1, 64);
  } else {
    ptx::bar_sync_named(1, 64);
    ptx::st_shared_b32(at, ptx::ld_shared_b32(at - 128) + 1);
  }
  ptx::bar_sync_named(2, 64);
  const uint32_t other = ptx::ld_shared_b32(ptx::shared_base() + 4 * (63 - t));
  ptx::bar_sync();
  ptx::st_shared_b32(at, other);
  ptx::bar_warp_sync();
  w.out(ptx::ld_shared_b32(ptx::shared_base() + 4 * (t ^ 1)));
}

// in: 32 x 8 words. A chunk of 16 bytes and a word a thread; every fourth thread asks for zeros.
WL_KERNEL(32, 1) copies(const WL_GRID_CONSTANT PrimitiveParams p) {
  Words w(p, 32);
  const uint32_t t = ptx::tid_x();
  const bool valid = t % 4 != 1;
  const SharedAddress chunk = ptx::shared_base() + 16 * t, word = ptx::shared_base() + 512 + 4 * t;
  ptx::cp_async_cg_16(chunk, p.in + 4 * t, valid);
  ptx::cp_async_commit_group();
  ptx::cp_async_ca_4(word, p.in + (128 + t), valid);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<1>();
  const U4 x = ptx::ld_shared_v4_b32(chunk);
  w.out(x.x), w.out(x.y), w.out(x.z), w.out(x.w);
  ptx::cp_async_wait_group<0>();
  w.out(ptx::ld_shared_b32(word));
}

// Rows of four matrices, 16 bytes each: element c of row r of matrix m is m * 64 + r * 8 + c.
WL_DEVICE SharedAddress matrices() {
  const uint32_t t = ptx::tid_x();
  const SharedAddress row = ptx::shared_base() + 16 * t;
  const auto pair = [&](uint32_t c) { return (t * 8 + c) | (t * 8 + c + 1) << 16; };
  ptx::st_shared_v4_b32(row, {pair(0), pair(2), pair(4), pair(6)});
  ptx::bar_warp_sync();
  return row;
}
WL_KERNEL(32, 1) matrix_loads(const WL_GRID_CONSTANT PrimitiveParams p) {
  Words w(p, 32);
  const SharedAddress row = matrices();
  uint32_t x[4], y[4];
  ptx::ldmatrix_x4(x, row);
  ptx::ldmatrix_x4_trans(y, row);
  for (const uint32_t v : x) w.out(v);
  for (const uint32_t v : y) w.out(v);
}
WL_KERNEL(32, 1) matrix_stores(const WL_GRID_CONSTANT PrimitiveParams p) {
  if constexpr (kHopper) {
    Words w(p, 32);
    const SharedAddress row = matrices(), plain = row + 512, transposed = row + 1024;
    uint32_t x[4];
    ptx::ldmatrix_x4(x, row);
    ptx::stmatrix_x4(plain, x);
    ptx::stmatrix_x4_trans(transposed, x);
    ptx::bar_warp_sync();
    for (const SharedAddress at : {plain, transposed}) {
      const U4 v = ptx::ld_shared_v4_b32(at);
      w.out(v.x), w.out(v.y), w.out(v.z), w.out(v.w);
    }
  }
}

// in: a[4], b[2], c[4] of each thread; out: c.
template <class Sum, class Multiply>
WL_DEVICE void product(const PrimitiveParams& p, Multiply multiply) {
  Words w(p, 32);
  const uint32_t a[4] = {w.in(0), w.in(1), w.in(2), w.in(3)};
  Sum c[4];
  for (uint32_t i = 0; i < 4; ++i) {
    if constexpr (std::is_same_v<Sum, float>) {
      c[i] = w.number(6 + i);
    } else {
      c[i] = static_cast<Sum>(w.in(6 + i));
    }
  }
  const uint32_t b0 = w.in(4), b1 = w.in(5);
  multiply(c, a, b0, b1);
  for (uint32_t i = 0; i < 4; ++i) {
    if constexpr (std::is_same_v<Sum, float>) {
      w.out(bits(c[i]));
    } else {
      w.out(static_cast<uint32_t>(c[i]));
    }
  }
}
WL_KERNEL(32, 1) product_bfloat16(const WL_GRID_CONSTANT PrimitiveParams p) {
  product<float>(p, [](auto&... x) { ptx::mma_m16n8k16_f32_bf16(x...); });
}
WL_KERNEL(32, 1) product_float16(const WL_GRID_CONSTANT PrimitiveParams p) {
  product<float>(p, [](auto&... x) { ptx::mma_m16n8k16_f32_f16(x...); });
}
WL_KERNEL(32, 1) product_tf32(const WL_GRID_CONSTANT PrimitiveParams p) {
  product<float>(p, [](auto&... x) { ptx::mma_m16n8k8_f32_tf32(x...); });
}
WL_KERNEL(32, 1) product_int8(const WL_GRID_CONSTANT PrimitiveParams p) {
  product<int32_t>(p, [](auto&... x) { ptx::mma_m16n8k32_s32_s8(x...); });
}

// Two warps: the second waits for the first at one barrier, then both for the second at another.
WL_KERNEL(64, 1) transactions(const WL_GRID_CONSTANT PrimitiveParams p) {
  if constexpr (kHopper) {
    Words w(p, 64);
    const uint32_t t = ptx::tid_x();
    const SharedAddress first = ptx::shared_base(), second = first + 8, data = first + 64;
    if (t == 0) {
      ptx::mbarrier_init(first, 32);
      ptx::mbarrier_init(second, 32);
      ptx::fence_mbarrier_init();
    }
    ptx::bar_sync();
    if (t < 32) {
      ptx::mbarrier_wait_parity(first, 1);  // the phase before the first is over
      ptx::st_shared_b32(data + 4 * t, t * 13);
      ptx::fence_proxy_async();
      ptx::mbarrier_arrive(first);
    } else {
      ptx::mbarrier_wait_parity(first, 0);
      ptx::st_shared_b32(data + 4 * t, ptx::ld_shared_b32(data + 4 * (t - 32)) + 1);
      ptx::mbarrier_arrive_expect_tx(second, 0);
    }
    ptx::mbarrier_wait_parity(second, 0);
    w.out(ptx::ld_shared_b32(data + 4 * (63 - t)));
  }
}

// Where there is no predecessor, they do nothing.
WL_KERNEL(32, 1) dependents(const WL_GRID_CONSTANT PrimitiveParams p) {
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  ptx::st_global_b32(p.out + ptx::tid_x(), ptx::tid_x() + 1);
}

}  // namespace

#define WL_PRIMITIVE(object, kernel) \
  const Primitive object("primitives." #kernel, &kernel, kPrimitiveSharedBytes)
WL_PRIMITIVE(kSpecial, special);
WL_PRIMITIVE(kConversions, conversions);
WL_PRIMITIVE(kArithmetic, arithmetic);
WL_PRIMITIVE(kApproximations, approximations);
WL_PRIMITIVE(kLoads, loads);
WL_PRIMITIVE(kStores, stores);
WL_PRIMITIVE(kOrdered, ordered);
WL_PRIMITIVE(kAtomics, atomics);
WL_PRIMITIVE(kShared, shared);
WL_PRIMITIVE(kShuffles, shuffles);
WL_PRIMITIVE(kVotes, votes);
WL_PRIMITIVE(kBarriers, barriers);
WL_PRIMITIVE(kCopies, copies);
WL_PRIMITIVE(kMatrixLoads, matrix_loads);
WL_PRIMITIVE(kProductBFloat16, product_bfloat16);
WL_PRIMITIVE(kProductFloat16, product_float16);
WL_PRIMITIVE(kProductTf32, product_tf32);
WL_PRIMITIVE(kProductInt8, product_int8);
WL_PRIMITIVE(kMatrixStores, matrix_stores);
WL_PRIMITIVE(kTransactions, transactions);
WL_PRIMITIVE(kDependents, dependents);

}  // namespace wl::test
