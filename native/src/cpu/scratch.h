// Scratch memory of CPU ops: leased for a call, kept for the next.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wl::cpu {

// 256-byte aligned memory for the length of a call. Take it before work goes parallel, so that no task can
// run out of memory; a part for each worker is cut from one lease by slot.
class Scratch {
 public:
  explicit Scratch(uint64_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  template <class T>
  T* at(uint64_t byte_offset) const {
    return reinterpret_cast<T*>(static_cast<std::byte*>(block_) + byte_offset);
  }

 private:
  void* block_;
  uint64_t bytes_;
};

// Rounds a part's size up, so that parts that follow each other stay aligned.
constexpr uint64_t scratch_part(uint64_t bytes) { return (bytes + 255) / 256 * 256; }

uint64_t scratch_bytes() noexcept;
void trim_scratch() noexcept;

}  // namespace wl::cpu
