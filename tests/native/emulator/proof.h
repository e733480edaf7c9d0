// What the kernels must stand under the checked emulator. A family of kernels states small calls that reach all of its
// synchronisation; the rest is the same for all:
//
// - no false alarm: under any schedule, whenever copies complete, nothing is found and the bits are those of the first run;
// - mutation by call site: where one operation that synchronises is skipped or weakened, a finding, a failure or other
//   bits show it. What no call shows is not needed: it leaves the kernel, or its line says why it stays and a Survivor
//   names it.
//
// WARPLINE_TEST_FULL (./build.sh test --full) runs all of it, otherwise a few schedules and every tenth mutant, which of
// them by WARPLINE_TEST_SEED.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "emulator/grid.h"
#include "emulator/host/host.h"

namespace wl::test {

using Bytes = std::vector<unsigned char>;

struct KernelCall {
  std::string name;
  std::string kernel;          // the last that it launches
  std::function<Bytes()> run;  // the results; what it expects by itself counts too
};

// The reason stands beside the source line.
struct Survivor {
  const char* kernel;  // a part of its name
  const char* line;    // a part of the source line
  const char* operation;
  emu::MutationKind kind;
};

// One run of a call.
struct Outcome {
  Bytes bytes;
  bool failed;                       // what the call expects did not hold, or the emulator found something
  std::string text;                  // the first of it
  std::vector<std::string> kernels;  // as launched
};
Outcome run_call(const KernelCall& call, const emu::Settings& settings, const emu::LaunchFault& fault = {});

// Also that the calls launch every kernel whose name begins so.
void expect_no_false_alarm(const std::vector<KernelCall>& calls, const std::string& family);
void expect_each_synchronisation_needed(const std::vector<KernelCall>& calls,
                                        const std::vector<Survivor>& survivors = {});

}  // namespace wl::test
