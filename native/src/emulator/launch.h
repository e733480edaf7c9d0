// How the emulated host side has a grid run, and how tests steer and question the emulator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "emulator/device.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

struct GridShape {
  Dim3 grid;
  uint32_t threads = 1;
  uint32_t shared_bytes = 0;
  bool co_resident = false;  // all blocks make progress at once (cooperative launch)
  bool dependent = false;    // may begin before its predecessor in the stream has ended (programmatic launch)
};

// Where a launch stands among those of all streams: it comes after launch n of stream i for each n <= after[i].
// Streams are numbered from 0, launches of a stream from 1; copies and fills count as launches.
struct LaunchOrder {
  uint32_t stream = 0;
  uint64_t number = 0;
  std::vector<uint64_t> after;
};

// Calls the kernel for one thread; `call` holds the kernel and its parameters.
using KernelThunk = void (*)(const void* call);

// Runs a grid to its end on the emulator's own threads. Findings (races, deadlocks, ...) are added to the report; a
// fatal one (deadlock, fault, divergence) ends the grid, and the answer is false. `name` is for reports.
bool run_grid(const GridShape& shape, const LaunchOrder& order, KernelThunk thunk, const void* call,
              const char* name);

// What happens to device memory outside kernels; the checked build keeps its shadow by these.
void memory_allocated(const void* address, uint64_t bytes);
void memory_freed(const void* address);
void memory_accessed(const void* address, uint64_t bytes, bool write, const LaunchOrder& order,
                     const char* what);

// ---- Settings, for all grids from now on; not to be changed while one runs.
enum class Schedule : uint8_t { kInOrder, kRandom };
enum class Completion : uint8_t { kEarly, kLate, kRandom };  // of asynchronous copies
enum class MutationKind : uint8_t { kNone, kSkip, kWeaken };
struct Settings {
  int workers = 0;  // 0: one for each processor; the checked build uses one
  Schedule schedule = Schedule::kInOrder;
  Completion completion = Completion::kLate;
  uint64_t seed = 1;
  bool numerics = false;  // approximations, mma order and truncation no kinder than hardware, by seed
  // Skips (barrier, fence, commit, ...) or weakens (wait N becomes N + 1, scope or order one step down) one call site.
  MutationKind mutation = MutationKind::kNone;
  Site mutated;
  const char* mutated_operation =
      nullptr;  // as SiteCount names it, where one line does several; nullptr: all
};
void configure(const Settings& settings);
const Settings& settings();

// ---- What was seen since clear_report().
struct Finding {
  std::string
      kind;  // "race", "out of bounds", "misaligned", "uninitialised read", "divergence", "deadlock", ...
  std::string text;  // kernel, file:line of both sides, block and thread
};
struct SiteCount {
  Site site;
  const char* operation;  // "bar.sync", "cp.async.wait_group", ...
  bool can_weaken;
  uint64_t executed;
};
// Shared and global traffic of one call site (checked build).
struct Traffic {
  Site site;
  const char* operation;
  uint64_t requests;                // of a warp
  uint64_t bank_conflicts;          // extra passes over shared memory
  uint64_t sectors, ideal_sectors;  // 32-byte sectors of global memory touched, and needed for the bytes
};
struct Report {
  std::vector<Finding> findings;
  std::vector<SiteCount> synchronisation;  // each site that synchronises, for mutation
  std::vector<Traffic> traffic;
  uint64_t switches = 0, blocks = 0, mma = 0;
};
Report report();
// The findings alone, one by one.
size_t finding_count();
Finding finding(size_t index);
void clear_report();

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
