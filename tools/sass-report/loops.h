// The loops of a kernel, found in its control flow.
#pragma once

#include <vector>

#include "kernel.h"

namespace wl::sass {

// The instructions of the innermost loop that holds most matrix products; of several the shortest, which is the one that
// masks nothing. Empty where no loop holds any.
std::vector<Instruction> main_loop(const Kernel& kernel);

}  // namespace wl::sass
