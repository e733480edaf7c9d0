// cp.async: copies that complete between their issue and the wait that needs them.
#pragma once

#include "emulator/block.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

// Completes all copies of a thread that ends.
void finish_copies(Thread& thread);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
