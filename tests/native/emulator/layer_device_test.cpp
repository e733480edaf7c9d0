// The layer's ops, the cache's append and sampling on the emulated device: the same bits under any schedule, no finding,
// no bank conflict and whole sectors on aligned shapes; indices that nobody checked do no harm.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "emulator/layer_ops.h"

namespace wl::test {
namespace {

struct LayerDevice : EmulatorTest {};

TEST_F(LayerDevice, SameBitsUnderAnySchedule) {
  for (const KernelCall& c : layer_calls()) {
    emu::configure({});
    const Bytes first = c.run();
    EXPECT_STREQ(wl_last_kernel(), c.kernel.c_str()) << c.name;
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      emu::Settings settings;
      settings.schedule = emu::Schedule::kRandom, settings.seed = seed;
      emu::configure(settings);
      EXPECT_EQ(c.run(), first) << c.name << " seed " << seed;
    }
    EXPECT_EQ(findings(), "") << c.name;
  }
}

// What may conflict or take part of a sector, and why.
struct TrafficException {
  const char* file;
  const char* operation;
  const char* why;
};
constexpr TrafficException kExceptions[] = {
    {"tile/rotate.h", "ld.global", "16-bit heads take 32 bytes of cos and of sin a lane, in two accesses"},
    {"sampling/search.h", "atom.shared", "bins that tokens share"},
    {"sampling/logits.h", "atom.shared", "counts of a history in any order"},
};

bool excepted(const emu::Traffic& traffic) {
  for (const TrafficException& e : kExceptions) {
    if (std::string(traffic.site.file).find(e.file) != std::string::npos &&
        std::string(traffic.operation).rfind(e.operation, 0) == 0)
      return true;
  }
  return false;
}

TEST_F(LayerDevice, WholeSectorsAndNoBankConflicts) {
  for (const KernelCall& c : layer_calls()) {
    emu::clear_report();
    c.run();
    EXPECT_EQ(findings(), "") << c.name;
    const emu::Report report = emu::report();
    EXPECT_EQ(report.traffic.empty(), !emu::kChecked) << c.name;
    for (const emu::Traffic& t : report.traffic) {
      if (excepted(t)) continue;
      EXPECT_EQ(t.bank_conflicts, 0u)
          << c.name << " " << t.site.file << ":" << t.site.line << " " << t.operation;
      EXPECT_EQ(t.sectors, t.ideal_sectors)
          << c.name << " " << t.site.file << ":" << t.site.line << " " << t.operation;
    }
  }
}

TEST_F(LayerDevice, IdsOutsideTheTableGiveZeros) {
  for (const int32_t type : kFloatTypes) {
    const Matrix y = embedded({3, -1, 9, INT32_MIN, INT32_MAX, 3}, type, WL_DTYPE_FLOAT32);
    for (int64_t c = 0; c < 256; ++c) {
      EXPECT_NE(y.get(0, c), 0);
      for (int64_t r = 1; r < 5; ++r) EXPECT_EQ(y.get(r, c), 0);
      EXPECT_EQ(y.get(5, c), y.get(0, c));
    }
  }
  EXPECT_EQ(findings(), "");
}

TEST_F(LayerDevice, PositionsOutsideTheTablesClearWhatIsRotated) {
  for (const uint32_t flags : {0u, uint32_t{WL_ROPE_INTERLEAVED}}) {
    for (const int32_t type : kFloatTypes) {
      const Buffer y = roped(flags, {5, -1, 16, INT32_MAX}, type, false);
      for (int64_t i = 0; i < y.size(); ++i) {
        const int64_t token = i / (4 * 128), element = i % 128;
        ASSERT_EQ(y.get(i), element >= 96 ? 1 : token == 0 ? 2 : 0) << i;
      }
    }
  }
  EXPECT_EQ(findings(), "");
}

TEST_F(LayerDevice, TokensWithoutAPlaceAreLeftOut) {
  struct Append {
    std::vector<int32_t> lengths, offsets;
    std::vector<int> written;  // positions of the batch, counted through
  };
  const Append calls[] = {
      {{2, 0, 3}, {0, 3, 4, 6}, {2, 3, 4, 8, 19, 20}},
      {{-1, 0, 3}, {0, 3, 4, 6}, {8, 19, 20}},  // a negative length
      {{6, 7, INT32_MAX}, {0, 3, 4, 6}, {6}},   // the tables end at 7, the cache at 8
      {{0, 0, 0}, {2, 3, 4, 5}, {0, 8, 16}},    // rows outside all sequences
      {{0, 0, 0}, {-5, 100, 3, 2}, {5, 6}},     // offsets of nothing: rows 0 and 1 belong to the first
      {{0, 0, 0}, {INT32_MAX, 0, 0, INT32_MIN}, {}},
  };
  for (const Append& call : calls) {
    const Buffer cache = appended(call.lengths, call.offsets, WL_DTYPE_BFLOAT16);
    std::vector<int> written;
    for (int place = 0; place < 24; ++place) {
      if (cache.get(place * 2 * 64) == 1) written.push_back(place);
      for (int64_t e = 0; e < 128; ++e)
        EXPECT_EQ(cache.get(place * 128 + e), cache.get(place * 128)) << place;
    }
    EXPECT_EQ(written, call.written) << call.lengths[0] << " " << call.offsets[0];
  }
  EXPECT_EQ(findings(), "");
}

TEST_F(LayerDevice, OffsetsAreCutToTheRowsThatExist) {
  const Matrix cut = pooled(WL_POOL_LAST, {-7, 90, 3, INT32_MAX}, WL_DTYPE_FLOAT32),
               right = pooled(WL_POOL_LAST, {0, 40, 40, 40}, WL_DTYPE_FLOAT32);
  for (int64_t c = 0; c < 384; ++c) {
    EXPECT_EQ(cut.get(0, c), right.get(0, c));
    EXPECT_EQ(cut.get(1, c), 0);
    EXPECT_EQ(cut.get(2, c), right.get(0, c));
  }
  EXPECT_EQ(findings(), "");
}

TEST_F(LayerDevice, SamplingOfWhatNobodyChecked) {
  const std::vector<double> logits = {1, 3, 2, NAN};
  wl_sampling_row s{};
  s.greedy = 1;
  s.presence_penalty = 5;
  EXPECT_EQ(sampled(logits, WL_DTYPE_FLOAT32, s, 1, {1, -1, 4, INT32_MIN, INT32_MAX}).ids[0], 2);
  for (const double none : std::vector<double>{-INFINITY, NAN}) {
    const Sampled nothing = sampled({none, none, none}, WL_DTYPE_BFLOAT16, {}, 1);
    EXPECT_EQ(nothing.ids[0], -1);
    EXPECT_TRUE(std::isnan(nothing.log_probabilities[0]));
  }
  for (const float bad : std::vector<float>{-1, 2, INFINITY, NAN}) {
    wl_sampling_row odd{bad, bad, bad, bad, bad, bad, -3, 0, 1, 1};
    for (const int32_t top_k : {-3, 2, INT32_MAX}) {
      odd.top_k = top_k;
      for (const double id : sampled(logits, WL_DTYPE_FLOAT32, odd, 3, {0, 1}).ids) {
        EXPECT_GE(id, -1);
        EXPECT_LT(id, 4);
      }
    }
  }
  EXPECT_EQ(findings(), "");
}

}  // namespace
}  // namespace wl::test
