#include "emulator/proof.h"

#include <gtest/gtest-spi.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <tuple>

namespace wl::test {
namespace {

bool full() { return std::getenv("WARPLINE_TEST_FULL") != nullptr; }

// Every tenth of all mutants of the program.
bool chosen() {
  const char* seed = std::getenv("WARPLINE_TEST_SEED");
  static uint64_t next = seed != nullptr ? std::strtoull(seed, nullptr, 10) : 0;
  return next++ % 10 == 0 || full();
}

emu::Settings random_schedule(uint64_t seed, emu::Completion completion) {
  emu::Settings settings;
  settings.schedule = emu::Schedule::kRandom;
  settings.completion = completion;
  settings.seed = seed;
  return settings;
}

std::string source_line(emu::Site site) {
  std::ifstream file(site.file);
  std::string line;
  for (int i = 0; i < site.line; ++i) std::getline(file, line);
  return line;
}

struct Mutant {
  emu::SiteCount site;
  emu::MutationKind kind;
  std::vector<const KernelCall*> calls;  // that reach it
};

std::string describe(const Mutant& mutant) {
  return std::string(mutant.kind == emu::MutationKind::kSkip ? "skipped " : "weakened ") +
         mutant.site.operation + " at " + mutant.site.site.file + ":" + std::to_string(mutant.site.site.line);
}

bool is_expected(const std::string& kernel, const Mutant& mutant, const std::vector<Survivor>& survivors) {
  const std::string line = source_line(mutant.site.site);
  for (const Survivor& s : survivors) {
    if (kernel.find(s.kernel) != std::string::npos && mutant.kind == s.kind &&
        std::string(mutant.site.operation) == s.operation && line.find(s.line) != std::string::npos)
      return true;
  }
  return false;
}

// Mutants by kernel: of a call that launches several, only the first synchronises.
using Mutants = std::map<std::string, std::vector<Mutant>>;
using Baselines = std::map<const KernelCall*, Bytes>;

void collect(const KernelCall& call, Mutants& mutants, Baselines& baselines) {
  const Outcome outcome = run_call(call, {});
  ASSERT_FALSE(outcome.failed) << call.name << ": " << outcome.text;
  baselines[&call] = outcome.bytes;
  ASSERT_FALSE(outcome.kernels.empty()) << call.name;
  std::vector<Mutant>& of_kernel = mutants[outcome.kernels.front()];
  for (const emu::SiteCount& site : emu::report().synchronisation) {
    for (const auto kind : {emu::MutationKind::kSkip, emu::MutationKind::kWeaken}) {
      if (kind == emu::MutationKind::kWeaken && !site.can_weaken) continue;
      Mutant* mutant = nullptr;
      for (Mutant& m : of_kernel) {
        if (m.site.site == site.site && m.kind == kind &&
            std::string_view(m.site.operation) == site.operation)
          mutant = &m;
      }
      if (mutant == nullptr) mutant = &of_kernel.emplace_back(Mutant{site, kind, {}});
      mutant->calls.push_back(&call);
    }
  }
}

// In order first: the clocks need no luck to see most of it.
bool shows(const Mutant& mutant, const Baselines& baselines) {
  constexpr uint64_t kSeeds = 6;
  for (uint64_t seed = 0; seed <= kSeeds; ++seed) {
    for (const KernelCall* call : mutant.calls) {
      emu::Settings settings =
          seed == 0 ? emu::Settings{} : random_schedule(seed, static_cast<emu::Completion>(seed % 3));
      settings.mutation = mutant.kind;
      settings.mutated = mutant.site.site;
      settings.mutated_operation = mutant.site.operation;
      const Outcome outcome = run_call(*call, settings);
      if (outcome.failed || outcome.bytes != baselines.at(call)) return true;
    }
  }
  return false;
}

}  // namespace

Outcome run_call(const KernelCall& call, const emu::Settings& settings, const emu::LaunchFault& fault) {
  Outcome outcome{};
  emu::configure(settings);
  emu::clear_report();
  emu::set_launch_fault([&](const char* kernel, emu::GridShape& shape, void* parameters) {
    outcome.kernels.emplace_back(kernel);
    if (fault) fault(kernel, shape, parameters);
  });
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter intercept(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    outcome.bytes = call.run();
  }
  emu::set_launch_fault({});
  emu::configure({});
  outcome.text = findings().substr(0, 500);
  for (int i = 0; i < results.size(); ++i) {
    if (!results.GetTestPartResult(i).failed()) continue;
    outcome.failed = true;
    if (outcome.text.empty()) outcome.text = results.GetTestPartResult(i).message();
  }
  outcome.failed |= emu::finding_count() != 0;
  return outcome;
}

void expect_no_false_alarm(const std::vector<KernelCall>& calls, const std::string& family) {
  const uint64_t seeds = full() ? 50 : 2;
  std::set<std::string> launched;
  uint64_t runs = 0;
  for (const KernelCall& call : calls) {
    const Outcome first = run_call(call, {});
    EXPECT_FALSE(first.failed) << call.name << ": " << first.text;
    EXPECT_EQ(first.kernels.empty() ? "none" : first.kernels.back(), call.kernel) << call.name;
    launched.insert(first.kernels.begin(), first.kernels.end());
    bool copies = false;
    for (const emu::SiteCount& site : emu::report().synchronisation)
      copies |= std::string_view(site.operation).rfind("cp.async", 0) == 0;
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
      for (const auto completion :
           {emu::Completion::kEarly, emu::Completion::kLate, emu::Completion::kRandom}) {
        // Without copies in the background they are one; in few seeds they take turns.
        const bool taken = full() && copies ? true : static_cast<uint64_t>(completion) == seed % 3;
        if (!taken) continue;
        const Outcome outcome = run_call(call, random_schedule(seed, completion));
        ++runs;
        ASSERT_FALSE(outcome.failed) << call.name << " seed " << seed << ": " << outcome.text;
        ASSERT_TRUE(outcome.bytes == first.bytes) << call.name << " seed " << seed << ": other bits";
      }
    }
  }
  for (const std::string& kernel : emu::kernel_names()) {
    if (kernel.rfind(family, 0) == 0) {
      EXPECT_TRUE(launched.count(kernel)) << "no call launches " << kernel;
    }
  }
  std::printf("%s: %zu kernels, %zu calls, %llu runs without a finding\n", family.c_str(), launched.size(),
              calls.size(), static_cast<unsigned long long>(runs));
}

void expect_each_synchronisation_needed(const std::vector<KernelCall>& calls,
                                        const std::vector<Survivor>& survivors) {
  Mutants mutants;
  Baselines baselines;
  for (const KernelCall& call : calls) {
    collect(call, mutants, baselines);
    if (::testing::Test::HasFatalFailure()) return;
  }
  size_t all = 0, run = 0, expected = 0;
  for (const auto& [kernel, of_kernel] : mutants) {
    for (const Mutant& mutant : of_kernel) {
      ++all;
      if (!chosen()) continue;
      ++run;
      const bool survives = is_expected(kernel, mutant, survivors);
      expected += survives;
      EXPECT_EQ(shows(mutant, baselines), !survives)
          << kernel << ": " << describe(mutant)
          << (survives ? " shows after all: it is no survivor" : " shows in no call");
    }
  }
  EXPECT_GT(all, 0u);
  std::printf("%zu kernels, %zu mutants, %zu run, %zu of them survive for a known reason\n", mutants.size(),
              all, run, expected);
}

}  // namespace wl::test
