// Operands of benchmarks.
#pragma once

#include <warpline/core.h>

#include <cstdint>
#include <initializer_list>

namespace wl::bench {

// Page-aligned memory, for as long as it is in scope.
struct Memory {
  explicit Memory(int64_t byte_count);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Pseudo-random values between -1 and 1, as float32 or bfloat16.
  void fill(int32_t dtype);

  int64_t bytes;
  void* data;
};

int64_t size_of(int32_t dtype);
// "fp32" or "bf16".
const char* name_of(int32_t dtype);
// A dense view.
wl_tensor dense(void* data, int32_t dtype, std::initializer_list<int64_t> shape);
// Ends the program where a call failed.
void check(wl_status status);

}  // namespace wl::bench
