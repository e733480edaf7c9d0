// Which fiber runs next, and how a thread waits, fails or ends.
#pragma once

#include "emulator/block.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

// Runs the threads of the gang's blocks to their end. Called on a worker's own stack.
void run_gang(Gang& gang);

// The calling thread waits until another one calls make_ready for it.
void block_thread(const Wait& wait);
void make_ready(Thread& thread);
// Lets others run first; the thread stays ready.
void yield_thread();
// As yield_thread for a thread that saw nothing new; a gang in which all only do this is stuck.
void yield_polling(const Wait& wait);

// Adds a finding about the calling thread.
void find(const char* kind, const std::string& text, Site site);
// Adds the finding and ends the grid.
[[noreturn]] void fail(const char* kind, const std::string& text, Site site);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
