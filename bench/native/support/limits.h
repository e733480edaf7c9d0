// What the machine can do at most, on all threads: dense reading, and arithmetic that never leaves the registers.
#pragma once

#include <cstdint>

#include "support/harness.h"

namespace wl::bench {

// The option "threads": as many as the library uses.
int thread_count();

// Reads all bytes of a buffer (a multiple of 64 a thread), each thread its own part.
Task dense_read(const void* data, int64_t bytes);
// Fused multiply-adds in float32, in the instruction set in force.
Task fma_loop();
// bfloat16 dot products; has_dot() says whether the instruction set in force has them.
bool has_dot();
Task dot_loop();

}  // namespace wl::bench
