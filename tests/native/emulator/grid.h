// How a test runs a kernel on the emulator and reads what it found.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <string>
#include <vector>

#include "cuda/ptx/async.h"
#include "cuda/ptx/config.h"
#include "cuda/ptx/convert.h"
#include "cuda/ptx/global.h"
#include "cuda/ptx/math.h"
#include "cuda/ptx/matrix.h"
#include "cuda/ptx/shared.h"
#include "cuda/ptx/special.h"
#include "cuda/ptx/sync.h"
#include "emulator/launch.h"

namespace wl::test {

// Device memory: an array that the emulator knows.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t size, T value = T())
      : size_(size), values_(static_cast<T*>(::operator new(size * sizeof(T), kAlignment))) {
    std::uninitialized_fill_n(values_, size, value);
    emu::memory_allocated(values_, size * sizeof(T));
    emu::memory_accessed(values_, size * sizeof(T), true, {}, "fill");
  }
  ~DeviceArray() {
    emu::memory_freed(values_);
    ::operator delete(values_, kAlignment);
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  T& operator[](size_t i) { return values_[i]; }
  T* data() { return values_; }
  size_t size() const { return size_; }
  cuda::Global<T> global() { return {values_}; }
  cuda::Global<const T> global_const() { return {values_}; }

 private:
  static constexpr std::align_val_t kAlignment{256};
  size_t size_;
  T* values_;
};

// Runs kernel(params) in launch `order` (by default the next of stream 0, after all before it).
template <class Params>
bool launch(void (*kernel)(Params), const Params& params, const emu::GridShape& shape,
            const emu::LaunchOrder& order, const char* name = "kernel") {
  struct Call {
    void (*kernel)(Params);
    Params params;
  };
  const Call call{kernel, params};
  return emu::run_grid(
      shape, order,
      [](const void* data) {
        const Call& call = *static_cast<const Call*>(data);
        call.kernel(call.params);
      },
      &call, name);
}
inline emu::LaunchOrder next_order() {
  static uint64_t number = 0;
  return {0, ++number, {number}};
}
template <class Params>
bool launch(void (*kernel)(Params), const Params& params, uint32_t blocks, uint32_t threads,
            uint32_t shared_bytes = 0) {
  return launch(kernel, params, emu::GridShape{{blocks, 1, 1}, threads, shared_bytes, false, false},
                next_order());
}

// Calls kernel() for each thread of `blocks` blocks.
template <class Kernel>
void run_blocks(uint32_t blocks, uint32_t threads, uint32_t shared_bytes, const Kernel& kernel,
                const char* name) {
  emu::GridShape shape;
  shape.grid.x = blocks;
  shape.threads = threads;
  shape.shared_bytes = shared_bytes;
  emu::run_grid(
      shape, next_order(), [](const void* call) { (*static_cast<const Kernel*>(call))(); }, &kernel, name);
}

// The findings, a line each; empty where there are none.
inline std::string findings() {
  std::string text;
  for (const emu::Finding& finding : emu::report().findings)
    text += finding.kind + ": " + finding.text + "\n";
  return text;
}

// Settings of one test.
class EmulatorTest : public ::testing::Test {
 protected:
  EmulatorTest() {
    emu::configure({});
    emu::clear_report();
  }
  ~EmulatorTest() override { emu::configure({}); }
  // Both schedules, three seeds.
  template <class Check>
  void under_schedules(const Check& check) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      emu::Settings settings;
      settings.schedule = seed ? emu::Schedule::kRandom : emu::Schedule::kInOrder;
      settings.seed = seed;
      emu::configure(settings);
      check();
      EXPECT_EQ(findings(), "");
    }
  }
};

}  // namespace wl::test
