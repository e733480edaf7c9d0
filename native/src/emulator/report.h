// What the emulator saw, gathered from all workers, and how places and threads are named in it.
#pragma once

#include "emulator/block.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

// "attention/forward.cu:120"
std::string describe(Site site);
// "block (0, 1, 0) thread 37"
std::string describe(const Thread& thread);

void add_finding(const char* kind, std::string text);
// Adds what the gang counted.
void add_counts(const Gang& gang);

// Counts the execution of a synchronising site; returns how the settings say to change it.
MutationKind at_site(Gang& gang, Site site, const char* operation, bool can_weaken);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
