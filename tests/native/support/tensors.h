// Test buffers: any element type, NaN guard bands around them, poisoned outputs, views as the C ABI takes
// them.
#pragma once

#include <warpline/core.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace wl::test {

int element_size(int32_t dtype);
const char* dtype_name(int32_t dtype);
// Rounds to the type, to nearest even, and back.
double round_to(int32_t dtype, double value);
// Distance from |value| to the next larger number of the type.
double ulp(int32_t dtype, double value);
// The element at an index of memory that holds a type.
double value_at(int32_t dtype, const void* data, int64_t i);

// Owns a dense tensor between two guard bands. Floats: the bands hold NaN; int32: the least number.
class Buffer {
 public:
  Buffer() = default;  // absent
  Buffer(int32_t dtype, std::vector<int64_t> shape);

  static Buffer floats(int32_t dtype, std::vector<int64_t> shape, const std::vector<double>& values);
  static Buffer ints(std::vector<int64_t> shape, const std::vector<int32_t>& values);

  // A dense, row-major view of the whole; dtype NONE for an absent buffer.
  wl_tensor view() const;
  int64_t size() const { return size_; }
  int32_t dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const { return shape_; }

  double get(int64_t i) const;
  void set(int64_t i, double value);  // rounds to the type
  std::vector<double> values() const;
  std::vector<unsigned char> bytes() const;
  void poison();  // NaN everywhere (int32: the least number)
  bool guards_intact() const;

 private:
  unsigned char* data() const;
  int32_t dtype_ = WL_DTYPE_NONE;
  std::vector<int64_t> shape_;
  int64_t size_ = 0;
  mutable std::vector<unsigned char> storage_;
};

// Seeded random numbers (SplitMix64), equal on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  double uniform(double low, double high);
  double normal();
  int64_t integer(int64_t low, int64_t high);  // both included
  std::vector<double> normals(int64_t count, double scale = 1);

 private:
  uint64_t state_;
};

// Sets an option for a scope and restores it to "auto".
class OptionScope {
 public:
  OptionScope(const char* name, const std::string& value);
  ~OptionScope();

 private:
  const char* name_;
};

// Instruction sets that this machine has, least first.
std::vector<std::string> instruction_sets();

}  // namespace wl::test
