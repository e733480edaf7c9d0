// Process-wide options. The environment gives their defaults, read once at load.
#pragma once

#include <warpline/core.h>

#include <string>

namespace wl {

// CPU instruction sets, in order of capability.
enum class Isa : int { kAvx2 = 0, kAvx512 = 1, kAvx512Bf16 = 2 };

// The best set that this machine has; fails with UNSUPPORTED below AVX2.
Isa machine_isa();
// The set in force: the option's, else the machine's best.
Isa isa();
const char* isa_name(Isa isa);

constexpr int kLargestThreadCount = 256;
// Bodies that the CPU backend may run at once.
int thread_count();

enum class GemmKernel : int { kAuto = 0, kRows = 1, kTiles = 2 };
GemmKernel forced_gemm_kernel();
enum class AttentionKernel : int { kAuto = 0, kTiles = 1, kSplit = 2 };
AttentionKernel forced_attention_kernel();

// Fails as an op would that reads the options: below AVX2, or where the environment holds an illegal value.
void require_options();

void set_option(const char* name, const char* value);
std::string get_option(const char* name);

}  // namespace wl
