// A call of an op that a fuzzer spoils, and what must hold of it whatever the library answers.
#pragma once

#include <warpline/warpline.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "fuzz/input.h"
#include "fuzz/memory.h"

namespace wl::fuzz {

// A tensor of a params struct.
struct Slot {
  const char* name;
  size_t offset;
  bool output;
};

// Bytes that are no tensor: an address in the params, of memory as large as another field says.
struct Block {
  size_t address_offset;
  size_t count_offset;
  size_t unit;  // bytes that the count counts
  std::vector<unsigned char> contents;
  bool output;
};

class Call {
 public:
  Call(size_t params_size, std::vector<Slot> slots, Input& input);

  Input& input;
  int32_t dtype;            // of floats, the input's choice
  bool fixed_size = false;  // the params are no struct of the ABI

  template <class T>
  T& params() {
    return *reinterpret_cast<T*>(params_.data());
  }
  wl_tensor& tensor(size_t slot) {
    return *reinterpret_cast<wl_tensor*>(params_.data() + slots_[slot].offset);
  }
  // A tensor of a type, dense or with rows apart.
  void set(size_t slot, int32_t dtype, std::initializer_list<int64_t> shape);
  // A one-dimensional tensor of int32 with these contents, repeated where the fuzzer makes it longer.
  void set_ints(size_t slot, std::vector<int32_t> values);
  // Offsets of up to three sequences that share `total` rows; returns their number.
  int64_t set_offsets(size_t slot, int64_t total);
  void add_block(Block block) { blocks_.push_back(std::move(block)); }

  using Run = wl_status (*)(const void* params, const wl_launch* at);
  // Spoils the call by the rest of the input, makes it, and returns what is wrong with the library's answer: "" if nothing.
  // `ask` may say beforehand what `run` will return. `keeps`: a call that fails leaves its outputs as they were.
  std::string check(Run run, Run ask, bool keeps);

 private:
  void spoil();
  void spoil_slot(size_t slot);
  void spoil_word(unsigned char* bytes, size_t size);
  bool place();  // false: what the call describes is legal, but too large to be made
  bool place_slot(size_t slot);
  bool place_block(const Block& block);
  void fill(size_t slot, Memory& memory, bool is_view);
  std::string changes(wl_status status, bool keeps) const;

  std::vector<Slot> slots_;
  std::vector<unsigned char> params_;  // at first one struct, then as many bytes as struct_size says
  wl_launch launch_{};
  bool has_launch_ = false;
  std::vector<Block> blocks_;
  std::vector<std::vector<int32_t>> ints_;  // by slot
  std::vector<int> misaligned_;
  std::vector<bool> null_;
  std::vector<Memory> memory_, block_memory_;
  size_t params_size_;
  bool wild_ = false;  // floats are random bits
};

}  // namespace wl::fuzz
