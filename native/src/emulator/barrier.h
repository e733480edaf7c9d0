// Barriers of a block (bar.sync, bar.arrive).
#pragma once

#include "emulator/block.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

inline constexpr char kBarSync[] = "bar.sync";
inline constexpr char kBarArrive[] = "bar.arrive";

// Barriers that wait for all threads may be complete now that one has exited.
void barriers_after_exit(Block& block);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
