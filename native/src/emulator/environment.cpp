// WARPLINE_EMULATOR_NUMERICS puts a whole process into the numerics mode; its value is the seed. So suites that know
// nothing of the emulator run under it.
#include <cstdio>
#include <cstdlib>

#include "emulator/launch.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

const bool g_configured = [] {
  const char* value = std::getenv("WARPLINE_EMULATOR_NUMERICS");
  if (value == nullptr) return false;
  char* end = nullptr;
  Settings settings;
  settings.numerics = true;
  settings.seed = std::strtoull(value, &end, 10);
  if (end == value || *end != '\0') {
    std::fprintf(stderr, "WARPLINE_EMULATOR_NUMERICS is \"%s\"; must be a seed, a whole number\n", value);
    std::abort();
  }
  configure(settings);
  return true;
}();

}  // namespace
}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
