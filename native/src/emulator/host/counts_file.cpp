// Writes the counts of a whole process to the file that WARPLINE_EMULATOR_COUNTS names, when the process ends: how a test
// in another language reads them. One line a count: name, number.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "emulator/host/host.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

struct CountsFile {
  std::string path;
  CountsFile() {
    const char* value = std::getenv("WARPLINE_EMULATOR_COUNTS");
    if (value != nullptr) path = value;
  }
  ~CountsFile() {
    if (path.empty()) return;
    std::FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr) {
      std::fprintf(stderr, "WARPLINE_EMULATOR_COUNTS is \"%s\"; must be a file that can be written\n",
                   path.c_str());
      return;
    }
    const HostCounts c = host_counts();
    const struct {
      const char* name;
      uint64_t value;
    } lines[] = {
        {"synchronisations", c.synchronisations},
        {"allocations", c.allocations},
        {"frees", c.frees},
        {"copies", c.copies},
        {"fills", c.fills},
        {"launches", c.launches},
        {"graph_launches", c.graph_launches},
        {"illegal_in_capture", c.illegal_in_capture},
        {"wrong_pointers", c.wrong_pointers},
    };
    for (const auto& line : lines)
      std::fprintf(file, "%s %llu\n", line.name, static_cast<unsigned long long>(line.value));
    std::fclose(file);
  }
};
const CountsFile g_counts_file;

}  // namespace
}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
