#include "support/limits.h"

#include <immintrin.h>
#include <warpline/core.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace wl::bench {
namespace {

constexpr int64_t kLoops = 1'000'000;
constexpr int kChains = 24;  // independent sums: more than latency times units
std::atomic<float> sink;     // keeps results alive

// Reading: several streams a thread, each prefetched, because one stream alone does not fill the memory's queues.
constexpr int kStreams = 4;
constexpr int kReadUnit = kStreams * 64;
constexpr int kAhead = 1024;  // bytes; a prefetch past the end does nothing

// kLoops * 12 multiply-adds of 8 lanes.
void fma_avx2() {
  __m256 sum[12];
  const __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) sum[i] = _mm256_set1_ps(static_cast<float>(i));
  for (int64_t loop = 0; loop < kLoops; ++loop) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) sum[i] = _mm256_fmadd_ps(sum[i], a, b);
  }
#pragma GCC unroll 12
  for (int i = 1; i < 12; ++i) sum[0] = _mm256_add_ps(sum[0], sum[i]);
  sink = _mm256_cvtss_f32(sum[0]);
}

void read_avx2(const char* data, int64_t bytes) {
  __m256i sum[kStreams] = {};
  const int64_t part = bytes / kStreams;
  for (int64_t i = 0; i < part; i += 64) {
#pragma GCC unroll 8
    for (int j = 0; j < kStreams; ++j) {
      const auto* line = reinterpret_cast<const __m256i*>(data + j * part + i);
      _mm_prefetch(reinterpret_cast<const char*>(line) + kAhead, _MM_HINT_T0);
      sum[j] =
          _mm256_xor_si256(sum[j], _mm256_xor_si256(_mm256_loadu_si256(line), _mm256_loadu_si256(line + 1)));
    }
  }
  for (int j = 1; j < kStreams; ++j) sum[0] = _mm256_xor_si256(sum[0], sum[j]);
  sink = static_cast<float>(_mm256_extract_epi32(sum[0], 0));
}

}  // namespace
}  // namespace wl::bench
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx512bf16")
namespace wl::bench {
namespace {

// kLoops * kChains multiply-adds of 16 lanes.
void fma_avx512() {
  __m512 sum[kChains];
  const __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
#pragma GCC unroll 24
  for (int i = 0; i < kChains; ++i) sum[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int64_t loop = 0; loop < kLoops; ++loop) {
#pragma GCC unroll 24
    for (int i = 0; i < kChains; ++i) sum[i] = _mm512_fmadd_ps(sum[i], a, b);
  }
#pragma GCC unroll 24
  for (int i = 1; i < kChains; ++i) sum[0] = _mm512_add_ps(sum[0], sum[i]);
  sink = _mm512_cvtss_f32(sum[0]);
}

// kLoops * kChains dot products of 16 pairs.
void dot_avx512() {
  __m512 sum[kChains];
  const auto a = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3f00));
  const auto b = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3e80));
#pragma GCC unroll 24
  for (int i = 0; i < kChains; ++i) sum[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int64_t loop = 0; loop < kLoops; ++loop) {
#pragma GCC unroll 24
    for (int i = 0; i < kChains; ++i) sum[i] = _mm512_dpbf16_ps(sum[i], a, b);
  }
#pragma GCC unroll 24
  for (int i = 1; i < kChains; ++i) sum[0] = _mm512_add_ps(sum[0], sum[i]);
  sink = _mm512_cvtss_f32(sum[0]);
}

void read_avx512(const char* data, int64_t bytes) {
  __m512i sum[kStreams];
  for (__m512i& one : sum) one = _mm512_setzero_si512();
  const int64_t part = bytes / kStreams;
  for (int64_t i = 0; i < part; i += 64) {
#pragma GCC unroll 8
    for (int j = 0; j < kStreams; ++j) {
      const char* line = data + j * part + i;
      _mm_prefetch(line + kAhead, _MM_HINT_T0);
      sum[j] = _mm512_xor_si512(sum[j], _mm512_loadu_si512(line));
    }
  }
  for (int j = 1; j < kStreams; ++j) sum[0] = _mm512_xor_si512(sum[0], sum[j]);
  sink = static_cast<float>(_mm_cvtsi128_si32(_mm512_maskz_extracti32x4_epi32(0xf, sum[0], 0)));
}

}  // namespace
}  // namespace wl::bench
#pragma GCC pop_options

namespace wl::bench {
namespace {

std::string option(const char* name) {
  char value[32] = "";
  wl_get_option(name, value, sizeof value);
  return value;
}

template <class Body>
void on_all_threads(Body body) {
  const int count = thread_count();
  std::vector<std::thread> threads;
  for (int i = 1; i < count; ++i) threads.emplace_back([=] { body(i, count); });
  body(0, count);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int thread_count() { return std::atoi(option("threads").c_str()); }

bool has_dot() { return option("cpu_isa") == "avx512_bf16"; }

Task dense_read(const void* data, int64_t bytes) {
  const bool wide = option("cpu_isa") != "avx2";
  const auto run = [=] {
    on_all_threads([=](int index, int count) {
      const int64_t part = bytes / count / kReadUnit * kReadUnit;
      const char* begin = static_cast<const char*>(data) + index * part;
      wide ? read_avx512(begin, part) : read_avx2(begin, part);
    });
  };
  const int64_t read = bytes / thread_count() / kReadUnit * kReadUnit * thread_count();
  return {"dense read of " + std::to_string(bytes >> 20) + " MiB", static_cast<double>(read), run};
}

Task fma_loop() {
  const bool wide = option("cpu_isa") != "avx2";
  const double work = wide ? 2.0 * kLoops * kChains * 16 : 2.0 * kLoops * 12 * 8;
  return {"register-only FMA loop", work * thread_count(),
          [=] { on_all_threads([=](int, int) { wide ? fma_avx512() : fma_avx2(); }); }};
}

Task dot_loop() {
  return {"register-only bf16 dot loop", 4.0 * kLoops * kChains * 16 * thread_count(),
          [] { on_all_threads([](int, int) { dot_avx512(); }); }};
}

}  // namespace wl::bench
