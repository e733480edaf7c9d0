// Where in the kernel's source an operation stands: for reports, and to skip one operation at run time (mutation).
#pragma once

#include <cstring>

#include "emulator/mode.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

struct Site {
  const char* file = nullptr;
  int line = 0;

  static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
  // Two source files may each hold a copy of the name.
  friend bool operator==(const Site& a, const Site& b) {
    return a.line == b.line && (a.file == b.file || (a.file && b.file && std::strcmp(a.file, b.file) == 0));
  }
};

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
