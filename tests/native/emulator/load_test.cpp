// The attention load under all schedules, its time, and faults seeded into it.
#include <chrono>
#include <cstdio>
#include <ctime>

#include "attention_load.h"

namespace wl::test {
namespace {

using load::Case;
using load::Fault;

// P and O are rounded to bfloat16 once each; values are below 4.
constexpr double kTolerance = 0.02;

struct LoadTest : EmulatorTest {};

TEST_F(LoadTest, RightUnderEachScheduleAndCompletion) {
  Case small(150, 1, true);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    emu::Settings settings;
    settings.schedule = seed ? emu::Schedule::kRandom : emu::Schedule::kInOrder;
    settings.completion = static_cast<emu::Completion>(seed % 3);
    settings.seed = seed;
    emu::configure(settings);
    for (size_t i = 0; i < small.o.size(); ++i) small.o[i] = 0xffff;
    ASSERT_TRUE(small.run()) << findings();
    ASSERT_EQ(findings(), "") << "seed " << seed;
    ASSERT_LT(small.error(), kTolerance) << "seed " << seed;
  }
}

TEST_F(LoadTest, Speed) {
  for (const bool causal : {true, false}) {
    Case large(512, 2, causal);
    double best = 1e9, best_cpu = 1e9;
    for (int repeat = 0; repeat < 5; ++repeat) {
      emu::clear_report();
      const auto begin = std::chrono::steady_clock::now();
      const std::clock_t begin_cpu = std::clock();
      ASSERT_TRUE(large.run()) << findings();
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      best_cpu = std::min(best_cpu, static_cast<double>(std::clock() - begin_cpu) / CLOCKS_PER_SEC);
    }
    EXPECT_EQ(findings(), "");
    EXPECT_EQ(emu::report().mma, causal ? 18432u : 32768u);
    EXPECT_LT(large.error(), kTolerance);
    std::printf("S=512 H=2 d=64%s: %.4f s, %.4f s of processors, %llu switches\n", causal ? " causal" : "",
                best, best_cpu, static_cast<unsigned long long>(emu::report().switches));
  }
}

// Whether a run shows that something is wrong, by a finding or by its result.
bool shows(Case& run, Fault fault = Fault::kNone) {
  emu::clear_report();
  for (size_t i = 0; i < run.o.size(); ++i) run.o[i] = 0xffff;
  return !run.run(fault) || !findings().empty() || !(run.error() < kTolerance);
}

TEST_F(LoadTest, NoBankConflictsAndFullSectors) {
  if (!emu::kChecked) GTEST_SKIP() << "needs the checked build";
  Case run(256, 1, false);
  ASSERT_TRUE(run.run()) << findings();
  uint64_t requests = 0;
  for (const emu::Traffic& traffic : emu::report().traffic) {
    EXPECT_EQ(traffic.bank_conflicts, 0u) << traffic.operation << " line " << traffic.site.line;
    EXPECT_EQ(traffic.sectors, traffic.ideal_sectors) << traffic.operation << " line " << traffic.site.line;
    requests += traffic.requests;
  }
  // Copies of Q, K and V, matrices of Q, K and V, O in, out and to global memory, lse.
  constexpr uint64_t kBlocks = 4, kSteps = 4, kWarps = 4;
  EXPECT_EQ(requests, kBlocks * kWarps * (4 + kSteps * 8 + 4 + kSteps * 32 + 16 + 4 + 4 + 2));
}

TEST_F(LoadTest, EachSeededFaultShows) {
  Case run(150, 2, true);
  ASSERT_FALSE(shows(run));
  EXPECT_TRUE(shows(run, Fault::kMaskOffByOne));
  EXPECT_TRUE(shows(run, Fault::kUninitialisedRead));
  EXPECT_TRUE(shows(run, Fault::kDivergentShuffle));
  EXPECT_TRUE(shows(run, Fault::kMissedRescale));
  if (!emu::kChecked) return;
  EXPECT_TRUE(shows(run, Fault::kStorePastEnd));
  EXPECT_NE(findings().find("race: "), std::string::npos) << findings();  // the next head's first row
  EXPECT_TRUE(shows(run, Fault::kUnalignedRow));
  EXPECT_EQ(findings().find("misaligned: "), 0u) << findings();
  Case one(150, 1, true);
  EXPECT_TRUE(shows(one, Fault::kStorePastEnd));
  EXPECT_EQ(findings().find("out of bounds: "), 0u) << findings();
}

TEST_F(LoadTest, EachSkippedOrWeakenedSynchronisationShows) {
  if (!emu::kChecked) GTEST_SKIP() << "needs the checked build";
  Case run(150, 1, true);
  ASSERT_FALSE(shows(run)) << findings();
  const std::vector<emu::SiteCount> sites = emu::report().synchronisation;
  EXPECT_EQ(sites.size(), 9u);
  for (const emu::SiteCount& site : sites) {
    EXPECT_GT(site.executed, 0u);
    for (const auto kind : {emu::MutationKind::kSkip, emu::MutationKind::kWeaken}) {
      if (kind == emu::MutationKind::kWeaken && !site.can_weaken) continue;
      emu::Settings settings;
      settings.mutation = kind;
      settings.mutated = site.site;
      emu::configure(settings);
      const bool shown = shows(run);
      std::printf("%s line %d %s: %s", site.operation, site.site.line,
                  kind == emu::MutationKind::kSkip ? "skipped" : "weakened",
                  shown ? findings().substr(0, 300).c_str() : "survives\n");
      EXPECT_TRUE(shown) << site.operation << " line " << site.site.line;
    }
  }
}

}  // namespace
}  // namespace wl::test
