// wl_kv_append against its formula in double precision: values, what stays untouched, bits, and what is refused.
#include <gtest/gtest.h>
#include <warpline/elementwise.h>
#include <warpline/kv_cache.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "support/tensors.h"
#include "support/tolerance.h"

namespace wl::test {
namespace {

enum class Rotated { kNo, kHalves, kInterleaved };

struct AppendSetup {
  std::vector<int64_t> lengths{3, 0, 9}, added{2, 5, 0};
  int64_t capacity = 12, heads = 2, d_k = 16, d_v = 24, pairs = 8;
  int32_t dtype = WL_DTYPE_FLOAT32, cache_dtype = WL_DTYPE_FLOAT32;
  Rotated rotated = Rotated::kNo;
  bool heads_first = false;  // the cache's memory is [B, H, capacity, d]
  uint64_t seed = 1;
};

class AppendCase {
 public:
  explicit AppendCase(const AppendSetup& s) : setup(s), params{} {
    Random random(s.seed);
    const auto batch = static_cast<int64_t>(s.lengths.size());
    std::vector<int32_t> offsets{1};  // a row before the first sequence, two after the last: not to be read
    for (const int64_t n : s.added) offsets.push_back(offsets.back() + static_cast<int32_t>(n));
    const int64_t total = offsets.back() + 2;
    k = Buffer(s.dtype, {total, s.heads, s.d_k});
    v = Buffer(s.dtype, {total, s.heads, s.d_v});
    for (int64_t i = s.heads * s.d_k; i < offsets.back() * s.heads * s.d_k; ++i) k.set(i, random.normal());
    for (int64_t i = s.heads * s.d_v; i < offsets.back() * s.heads * s.d_v; ++i) v.set(i, random.normal());
    const auto cache = [&](int64_t d) {
      return Buffer::floats(s.cache_dtype, {batch * s.capacity * s.heads * d},
                            random.normals(batch * s.capacity * s.heads * d));
    };
    k_cache = cache(s.d_k);
    v_cache = cache(s.d_v);
    lengths = Buffer::ints({batch}, {s.lengths.begin(), s.lengths.end()});
    cu_seqlens = Buffer::ints({batch + 1}, offsets);
    cos = Buffer::floats(WL_DTYPE_FLOAT32, {s.capacity, s.pairs}, random.normals(s.capacity * s.pairs));
    sin = Buffer::floats(WL_DTYPE_FLOAT32, {s.capacity, s.pairs}, random.normals(s.capacity * s.pairs));
    params.struct_size = sizeof params;
    params.flags = s.rotated == Rotated::kInterleaved ? uint32_t{WL_KV_APPEND_ROPE_INTERLEAVED} : 0u;
    params.k = k.view();
    params.v = v.view();
    params.k_cache = cache_view(k_cache, batch, s.d_k);
    params.v_cache = cache_view(v_cache, batch, s.d_v);
    params.lengths = lengths.view();
    params.cu_seqlens = cu_seqlens.view();
    if (s.rotated != Rotated::kNo) params.cos = cos.view(), params.sin = sin.view();
  }

  wl_tensor cache_view(const Buffer& buffer, int64_t batch, int64_t d) const {
    wl_tensor t = buffer.view();
    const int64_t row = setup.heads_first ? d : setup.heads * d,
                  head = setup.heads_first ? setup.capacity * d : d;
    const int64_t shape[] = {batch, setup.capacity, setup.heads, d};
    const int64_t strides[] = {setup.capacity * setup.heads * d, row, head, 1};
    t.rank = 4;
    for (int axis = 0; axis < 4; ++axis) t.shape[axis] = shape[axis], t.strides[axis] = strides[axis];
    return t;
  }

  // What the cache's memory must hold after the append, in Real arithmetic; `old` is what it holds before.
  template <class Real>
  std::vector<double> expected(const Buffer& source, const wl_tensor& cache, std::vector<double> old,
                               bool rotate) const {
    const int64_t d = cache.shape[3];
    int64_t token = 1;
    for (size_t b = 0; b < setup.added.size(); ++b) {
      for (int64_t i = 0; i < setup.added[b]; ++i, ++token) {
        const int64_t position = setup.lengths[b] + i;
        for (int64_t h = 0; h < setup.heads; ++h) {
          const auto x = [&](int64_t e) {
            return static_cast<Real>(source.get((token * setup.heads + h) * d + e));
          };
          for (int64_t e = 0; e < d; ++e) {
            Real y = x(e);
            if (rotate && e < 2 * setup.pairs) {
              const bool interleaved = setup.rotated == Rotated::kInterleaved;
              const int64_t pair = interleaved ? e / 2 : e % setup.pairs;
              const bool second = interleaved ? e % 2 : e >= setup.pairs;
              const int64_t partner = interleaved ? e ^ 1 : second ? e - setup.pairs : e + setup.pairs;
              const auto c = static_cast<Real>(cos.get(position * setup.pairs + pair));
              const auto s = static_cast<Real>(sin.get(position * setup.pairs + pair));
              y = second ? x(e) * c + x(partner) * s : x(e) * c - x(partner) * s;
            }
            const int64_t at = static_cast<int64_t>(b) * cache.strides[0] + position * cache.strides[1] +
                               h * cache.strides[2] + e;
            old[static_cast<size_t>(at)] = std::is_same_v<Real, double> && rotate
                                               ? static_cast<double>(y)
                                               : round_to(cache.dtype, static_cast<double>(y));
          }
        }
      }
    }
    return old;
  }

  testing::AssertionResult run_and_check() {
    const std::vector<double> old_k = k_cache.values(), old_v = v_cache.values();
    if (wl_kv_append(&params, nullptr) != WL_STATUS_OK) return testing::AssertionFailure() << wl_last_error();
    if (!k_cache.guards_intact() || !v_cache.guards_intact()) return testing::AssertionFailure() << "guards";
    const bool rotate = setup.rotated != Rotated::kNo;
    // Values are converted, never changed: exact.
    if (v_cache.values() != expected<double>(v, params.v_cache, old_v, false))
      return testing::AssertionFailure() << "values differ";
    const auto reference = expected<double>(k, params.k_cache, old_k, rotate);
    if (!rotate) {
      return k_cache.values() == reference ? testing::AssertionSuccess()
                                           : testing::AssertionFailure() << "keys differ";
    }
    const auto got = k_cache.values();
    for (size_t i = 0; i < got.size(); ++i) {
      if (reference[i] == old_k[i] && got[i] != old_k[i])
        return testing::AssertionFailure() << "element " << i << " was changed";
    }
    return within_tolerance(got, reference, expected<float>(k, params.k_cache, old_k, true), setup.d_k,
                            setup.cache_dtype);
  }

  AppendSetup setup;
  Buffer k, v, k_cache, v_cache, lengths, cu_seqlens, cos, sin;
  wl_kv_append_params params;
};

constexpr int32_t kTypes[] = {WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16};

TEST(KvAppend, AnyTypesRotationsLayoutsAndInstructionSets) {
  for (const std::string& isa : instruction_sets()) {
    const OptionScope scope("cpu_isa", isa);
    uint64_t seed = 0;
    for (const int32_t dtype : kTypes) {
      for (const int32_t cache_dtype : kTypes) {
        for (const Rotated rotated : {Rotated::kNo, Rotated::kHalves, Rotated::kInterleaved}) {
          for (const auto& [d, pairs] :
               {std::pair<int64_t, int64_t>{16, 8}, {64, 32}, {80, 10}, {37, 18}, {1, 0}, {300, 150}}) {
            AppendSetup s;
            s.dtype = dtype;
            s.cache_dtype = cache_dtype;
            s.rotated = rotated;
            s.d_k = d;
            s.pairs = pairs;
            s.heads_first = ++seed % 2 == 0;
            s.seed = seed;
            ASSERT_TRUE(AppendCase(s).run_and_check())
                << isa << " " << dtype_name(dtype) << " to " << dtype_name(cache_dtype) << " rotation "
                << static_cast<int>(rotated) << " d " << d << ":" << pairs;
          }
        }
#if !defined(WL_TEST_ON_DEVICE)
        const std::string used = isa == "avx2" ? "avx2" : "avx512";
        EXPECT_EQ(wl_last_kernel(), "kv_cache.append." + used + "." + dtype_name(dtype));
#endif
      }
    }
  }
}

TEST(KvAppend, RandomSequences) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    AppendSetup s;
    s.seed = seed;
    s.capacity = random.integer(1, 60);
    s.lengths.clear();
    s.added.clear();
    for (int64_t b = random.integer(1, 6); b > 0; --b) {
      s.lengths.push_back(random.integer(0, s.capacity));
      s.added.push_back(random.integer(0, s.capacity - s.lengths.back()));
    }
    s.heads = random.integer(1, 4);
    s.d_k = random.integer(1, 70);
    s.d_v = random.integer(1, 70);
    s.pairs = random.integer(0, s.d_k / 2);
    s.dtype = kTypes[random.integer(0, 2)];
    s.cache_dtype = kTypes[random.integer(0, 2)];
    s.rotated = static_cast<Rotated>(random.integer(0, 2));
    s.heads_first = random.integer(0, 1) == 1;
    ASSERT_TRUE(AppendCase(s).run_and_check()) << "seed " << seed;
  }
}

// A wrong position, pair or sign is outside the tolerance.
TEST(KvAppend, FaultsAreFound) {
  AppendSetup s;
  s.rotated = Rotated::kHalves;
  s.cache_dtype = WL_DTYPE_BFLOAT16;
  AppendCase good(s);
  const auto old = good.k_cache.values();
  const auto reference = good.expected<double>(good.k, good.params.k_cache, old, true);
  const auto plain = good.expected<float>(good.k, good.params.k_cache, old, true);
  EXPECT_TRUE(within_tolerance(plain, reference, plain, s.d_k, s.cache_dtype));
  const auto faulty = [&](const std::function<void(AppendCase&)>& spoil) {
    AppendCase bad(s);
    spoil(bad);
    return bad.expected<float>(bad.k, bad.params.k_cache, old, true);
  };
  const std::function<void(AppendCase&)> faults[] = {
      [](AppendCase& c) { c.setup.lengths[0] += 1; },
      [](AppendCase& c) { c.setup.rotated = Rotated::kInterleaved; },
      [](AppendCase& c) { std::swap(c.cos, c.sin); }, [](AppendCase& c) { c.setup.pairs = 7; }};
  for (const auto& fault : faults)
    EXPECT_FALSE(within_tolerance(faulty(fault), reference, plain, s.d_k, s.cache_dtype));
}

TEST(KvAppend, OneSequenceNeedsNoOffsets) {
  AppendSetup s;
  s.lengths = {4};
  s.added = {3};
  AppendCase append(s);
  append.params.cu_seqlens = {};
  // All rows of k and v belong to the sequence.
  for (wl_tensor* t : {&append.params.k, &append.params.v}) {
    t->data = static_cast<float*>(t->data) + t->strides[0];
    t->shape[0] = 3;
  }
  EXPECT_TRUE(append.run_and_check());
}

TEST(KvAppend, SameBitsForAnyThreadsChunksAndAsRopeGives) {
  AppendSetup s;
  s.lengths = {5};
  s.added = {700};
  s.capacity = 800;
  s.d_k = s.d_v = 64;
  s.pairs = 32;
  s.dtype = WL_DTYPE_BFLOAT16;
  s.cache_dtype = WL_DTYPE_BFLOAT16;
  for (const Rotated rotated : {Rotated::kHalves, Rotated::kInterleaved}) {
    s.rotated = rotated;
    AppendCase whole(s);
    ASSERT_EQ(wl_kv_append(&whole.params, nullptr), WL_STATUS_OK);
    for (const char* threads : {"1", "2", "3", "7"}) {
      const OptionScope scope("threads", threads);
      AppendCase again(s);
      ASSERT_EQ(wl_kv_append(&again.params, nullptr), WL_STATUS_OK);
      EXPECT_EQ(again.k_cache.bytes(), whole.k_cache.bytes());
      EXPECT_EQ(again.v_cache.bytes(), whole.v_cache.bytes());
    }
    AppendCase chunked(s);
    Random random(3);
    for (int64_t begin = 0; begin < 700;) {
      const int64_t n = std::min<int64_t>(700 - begin, random.integer(1, 90));
      wl_kv_append_params p = chunked.params;
      p.cu_seqlens = {};
      for (wl_tensor* t : {&p.k, &p.v}) {
        t->data = static_cast<uint16_t*>(t->data) + (1 + begin) * t->strides[0];
        t->shape[0] = n;
      }
      int32_t length = static_cast<int32_t>(5 + begin);
      p.lengths.data = &length;
      ASSERT_EQ(wl_kv_append(&p, nullptr), WL_STATUS_OK) << wl_last_error();
      begin += n;
    }
    EXPECT_EQ(chunked.k_cache.bytes(), whole.k_cache.bytes());
    EXPECT_EQ(chunked.v_cache.bytes(), whole.v_cache.bytes());

    AppendCase by_rope(s);
    std::vector<int32_t> positions;
    for (int32_t i = 0; i < 700; ++i) positions.push_back(5 + i);
    const Buffer position_buffer = Buffer::ints({700}, positions);
    wl_rope_params rope{};
    rope.struct_size = sizeof rope;
    rope.flags = rotated == Rotated::kInterleaved ? uint32_t{WL_ROPE_INTERLEAVED} : 0u;
    rope.x = by_rope.params.k;
    rope.x.data = static_cast<uint16_t*>(rope.x.data) + rope.x.strides[0];
    rope.x.shape[0] = 700;
    rope.y = rope.x;
    rope.y.data = static_cast<uint16_t*>(by_rope.params.k_cache.data) + 5 * rope.x.strides[0];
    rope.positions = position_buffer.view();
    rope.cos = by_rope.params.cos;
    rope.sin = by_rope.params.sin;
    ASSERT_EQ(wl_rope(&rope, nullptr), WL_STATUS_OK) << wl_last_error();
    EXPECT_EQ(by_rope.k_cache.bytes(), whole.k_cache.bytes());
  }
}

#if !defined(WL_TEST_ON_DEVICE)  // lengths and offsets are not read there
TEST(KvAppend, RefusesBadCallsAndWritesNothing) {
  struct BadCall {
    std::function<void(AppendCase&)> spoil;
    wl_status status;
    const char* parameter;
    const char* text;
  };
  const auto ints = [](const wl_tensor& t) { return static_cast<int32_t*>(t.data); };
  const BadCall calls[] = {
      {[](auto& c) { c.params.flags = 2; }, WL_STATUS_UNSUPPORTED, "flags",
       "flags is 0x2; must be a combination of 0x1"},
      {[](auto& c) { c.params.v.shape[0] -= 1; }, WL_STATUS_INVALID_ARGUMENT, "v.shape[0]",
       "v.shape[0] is 9; must be 10, the tokens of k"},
      {[](auto& c) { c.params.v.dtype = WL_DTYPE_FLOAT16; }, WL_STATUS_INVALID_ARGUMENT, "v.dtype",
       "v.dtype is float16 (2); must be float32, the type of k"},
      {[](auto& c) { c.params.k_cache.shape[3] = 15; }, WL_STATUS_INVALID_ARGUMENT, "k_cache.shape[3]",
       "k_cache.shape[3] is 15; must be 16, the head dimension of k"},
      {[](auto& c) { c.params.v_cache.shape[1] = 11; }, WL_STATUS_INVALID_ARGUMENT, "v_cache.shape[1]",
       "v_cache.shape[1] is 11; must be 12, the capacity of k_cache"},
      {[](auto& c) { c.params.k_cache.strides[0] = 0; }, WL_STATUS_INVALID_ARGUMENT, "k_cache.strides[0]",
       "k_cache.strides[0] is 0; must be at least 1: elements of an output must not share memory"},
      {[&](auto& c) { ints(c.params.lengths)[0] = 11; }, WL_STATUS_INVALID_ARGUMENT, "lengths[0]",
       "lengths[0] is 11 with 2 to add; must be at most 12 together, the capacity of the cache"},
      {[&](auto& c) { ints(c.params.lengths)[2] = 13; }, WL_STATUS_INVALID_ARGUMENT, "lengths[2]",
       "lengths[2] is 13 with 0 to add; must be at most 12 together, the capacity of the cache"},
      {[&](auto& c) { ints(c.params.lengths)[1] = -1; }, WL_STATUS_INVALID_ARGUMENT, "lengths[1]",
       "lengths[1] is -1; must be at least 0"},
      {[&](auto& c) { ints(c.params.cu_seqlens)[1] = 0; }, WL_STATUS_INVALID_ARGUMENT, "cu_seqlens[1]",
       "cu_seqlens[1] is 0; must be at least 1"},
      {[&](auto& c) { ints(c.params.cu_seqlens)[3] = 11; }, WL_STATUS_INVALID_ARGUMENT, "cu_seqlens[3]",
       "cu_seqlens[3] is 11; must be at most 10, the rows of k"},
      {[](auto& c) { c.params.cu_seqlens = {}; }, WL_STATUS_INVALID_ARGUMENT, "cu_seqlens",
       "cu_seqlens is absent; must be given, because k_cache holds 3 sequences"},
      {[](auto& c) { c.params.sin = {}; }, WL_STATUS_INVALID_ARGUMENT, "sin",
       "sin is absent; must be given, as cos is"},
      {[](auto& c) { c.params.cos.shape[0] = c.params.sin.shape[0] = 4; }, WL_STATUS_INVALID_ARGUMENT,
       "lengths[0]",
       "lengths[0] is 3 with 2 to add; must be at most 4 together, the positions of cos and sin"},
      {[](auto& c) { c.params.cos.shape[1] = c.params.sin.shape[1] = 9; }, WL_STATUS_INVALID_ARGUMENT,
       "cos.shape[1]", "cos.shape[1] is 9; must be at most 8, half the head dimension of k"}};
  for (const BadCall& bad : calls) {
    SCOPED_TRACE(bad.text);
    AppendSetup s;
    s.rotated = Rotated::kHalves;
    AppendCase append(s);
    const auto k_before = append.k_cache.bytes(), v_before = append.v_cache.bytes();
    bad.spoil(append);
    EXPECT_EQ(wl_kv_append(&append.params, nullptr), bad.status);
    EXPECT_EQ(std::string(wl_last_error()), std::string("wl_kv_append: ") + bad.text);
    EXPECT_STREQ(wl_last_error_parameter(), bad.parameter);
    EXPECT_EQ(append.k_cache.bytes(), k_before);
    EXPECT_EQ(append.v_cache.bytes(), v_before);
  }
}
#endif

TEST(KvAppend, NothingToAddIsLegal) {
  AppendSetup s;
  s.lengths = {12, 0};
  s.added = {0, 0};
  EXPECT_TRUE(AppendCase(s).run_and_check());
  s.lengths = s.added = {};
  AppendCase none(s);
  EXPECT_EQ(wl_kv_append(&none.params, nullptr), WL_STATUS_OK) << wl_last_error();
}

}  // namespace
}  // namespace wl::test
