// Memory behind a tensor of a fuzzed call: exactly what its view spans, between margins that nothing may touch.
#pragma once

#include <warpline/core.h>

#include <vector>

namespace wl::fuzz {

// What a view is, by arithmetic that cannot overflow.
enum class View {
  kImpossible,  // no library may accept it: a negative number, or more than an address space
  kEmpty,
  kSmall,    // up to 64 KiB
  kSparse,   // few elements far apart: address space of up to 64 GiB, mostly without memory behind it
  kTooLarge  // legal, but more than is worth computing
};
View view_of(const wl_tensor& t, int64_t* bytes);

class Memory {
 public:
  Memory() = default;
  // `misaligned` bytes past an address that 64 divides.
  Memory(View view, int64_t bytes, int misaligned);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&& other) noexcept;

  void* data() const { return data_; }
  // Keeps the contents, for unchanged() and changed_outside().
  void freeze();
  bool unchanged() const;
  bool margins_intact() const;
  // Whether a byte changed that belongs to no element of the view, or a margin did.
  bool changed_outside(const wl_tensor& t) const;

 private:
  void poison(bool on) const;
  void release();

  unsigned char* block_ = nullptr;  // small: with margins
  unsigned char* data_ = nullptr;
  int64_t bytes_ = 0;
  void* mapped_ = nullptr;  // sparse: with a guard page at each end
  size_t mapped_bytes_ = 0;
  std::vector<unsigned char> frozen_;
};

// Offset in bytes of each element of a view that is not empty, in the order of its indices.
std::vector<int64_t> element_offsets(const wl_tensor& t);

}  // namespace wl::fuzz
