#include "support/tensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace wl::test {
namespace {

constexpr int64_t kGuardBytes = 256;

struct Format {
  int mantissa_bits;  // stored
  int min_exponent;   // of normal numbers
  double largest;
};
Format format(int32_t dtype) {
  switch (dtype) {
    case WL_DTYPE_FLOAT16:
      return {10, -14, 65504.0};
    case WL_DTYPE_BFLOAT16:
      return {7, -126, 0x1.fep127};
    default:
      return {23, -126, 0x1.fffffep127};
  }
}

uint16_t to_half_bits(int32_t dtype, double rounded) {
  if (dtype == WL_DTYPE_BFLOAT16) {
    const auto bits = std::bit_cast<uint32_t>(static_cast<float>(rounded));
    return static_cast<uint16_t>(std::isnan(rounded) ? (bits >> 16) | 0x40 : bits >> 16);
  }
  const uint16_t sign = std::signbit(rounded) ? 0x8000 : 0;
  const double magnitude = std::fabs(rounded);
  if (std::isnan(rounded)) return sign | 0x7e00;
  if (std::isinf(rounded)) return sign | 0x7c00;
  if (magnitude < 0x1p-14) return static_cast<uint16_t>(sign | static_cast<uint16_t>(magnitude * 0x1p24));
  int exponent = 0;
  const double fraction = std::frexp(magnitude, &exponent);  // in [0.5, 1)
  const auto mantissa = static_cast<uint16_t>((fraction * 2 - 1) * 1024);
  return static_cast<uint16_t>(sign | ((exponent - 1 + 15) << 10) | mantissa);
}

double from_half_bits(int32_t dtype, uint16_t bits) {
  if (dtype == WL_DTYPE_BFLOAT16) return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  const double sign = (bits & 0x8000) ? -1 : 1;
  const int exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  if (exponent == 31) return mantissa ? std::numeric_limits<double>::quiet_NaN() : sign * INFINITY;
  return sign * (exponent == 0 ? mantissa * 0x1p-24 : std::ldexp(1024 + mantissa, exponent - 25));
}

}  // namespace

int element_size(int32_t dtype) {
  return dtype == WL_DTYPE_FLOAT16 || dtype == WL_DTYPE_BFLOAT16 ? 2 : dtype == WL_DTYPE_NONE ? 0 : 4;
}

const char* dtype_name(int32_t dtype) {
  constexpr const char* names[] = {"none", "float32", "float16", "bfloat16", "int32"};
  return names[dtype];
}

double ulp(int32_t dtype, double value) {
  const Format f = format(dtype);
  const int exponent = value == 0 || !std::isfinite(value) ? f.min_exponent : std::ilogb(value);
  return std::ldexp(1.0, std::max(exponent, f.min_exponent) - f.mantissa_bits);
}

double round_to(int32_t dtype, double value) {
  if (dtype == WL_DTYPE_INT32 || !std::isfinite(value) || value == 0) return value;
  const double unit = ulp(dtype, value);
  const double rounded = std::nearbyint(value / unit) * unit;
  return std::fabs(rounded) > format(dtype).largest ? std::copysign(INFINITY, value) : rounded;
}

Buffer::Buffer(int32_t dtype, std::vector<int64_t> shape)
    : dtype_(dtype), shape_(std::move(shape)), size_(1) {
  for (const int64_t extent : shape_) size_ *= extent;
  storage_.resize(static_cast<size_t>(size_ * element_size(dtype) + 2 * kGuardBytes + 64));
  const int64_t guard = kGuardBytes / element_size(dtype);
  for (int64_t i = -guard; i < size_ + guard; ++i) set(i, NAN);
}

unsigned char* Buffer::data() const {
  const auto address = reinterpret_cast<uintptr_t>(storage_.data()) + kGuardBytes;
  return reinterpret_cast<unsigned char*>((address + 63) / 64 * 64);
}

Buffer Buffer::floats(int32_t dtype, std::vector<int64_t> shape, const std::vector<double>& values) {
  Buffer buffer(dtype, std::move(shape));
  EXPECT_EQ(buffer.size(), static_cast<int64_t>(values.size()));
  for (int64_t i = 0; i < buffer.size(); ++i) buffer.set(i, values[static_cast<size_t>(i)]);
  return buffer;
}

Buffer Buffer::ints(std::vector<int64_t> shape, const std::vector<int32_t>& values) {
  return floats(WL_DTYPE_INT32, std::move(shape), std::vector<double>(values.begin(), values.end()));
}

wl_tensor Buffer::view() const {
  wl_tensor t{};
  t.dtype = dtype_;
  t.rank = static_cast<int32_t>(shape_.size());
  if (dtype_ == WL_DTYPE_NONE) return t;
  t.data = data();
  int64_t stride = 1;
  for (int axis = t.rank - 1; axis >= 0; --axis) {
    t.shape[axis] = shape_[static_cast<size_t>(axis)];
    t.strides[axis] = stride;
    stride *= t.shape[axis];
  }
  return t;
}

double Buffer::get(int64_t i) const { return value_at(dtype_, data(), i); }

double value_at(int32_t dtype, const void* data, int64_t i) {
  const unsigned char* at = static_cast<const unsigned char*>(data) + i * element_size(dtype);
  if (dtype == WL_DTYPE_FLOAT32) {
    float value;
    std::memcpy(&value, at, 4);
    return value;
  }
  if (dtype == WL_DTYPE_INT32) {
    int32_t value;
    std::memcpy(&value, at, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, at, 2);
  return from_half_bits(dtype, bits);
}

void Buffer::set(int64_t i, double value) {
  unsigned char* at = data() + i * element_size(dtype_);
  if (dtype_ == WL_DTYPE_FLOAT32) {
    const auto single = static_cast<float>(value);
    std::memcpy(at, &single, 4);
  } else if (dtype_ == WL_DTYPE_INT32) {
    const int32_t integer =
        std::isnan(value) ? std::numeric_limits<int32_t>::min() : static_cast<int32_t>(value);
    std::memcpy(at, &integer, 4);
  } else {
    const uint16_t bits = to_half_bits(dtype_, round_to(dtype_, value));
    std::memcpy(at, &bits, 2);
  }
}

std::vector<double> Buffer::values() const {
  std::vector<double> result(static_cast<size_t>(size_));
  for (int64_t i = 0; i < size_; ++i) result[static_cast<size_t>(i)] = get(i);
  return result;
}

std::vector<unsigned char> Buffer::bytes() const { return {data(), data() + size_ * element_size(dtype_)}; }

void Buffer::poison() {
  for (int64_t i = 0; i < size_; ++i) set(i, NAN);
}

bool Buffer::guards_intact() const {
  if (dtype_ == WL_DTYPE_NONE) return true;
  const Buffer fresh(dtype_, {0});
  const size_t guard = kGuardBytes;
  const unsigned char* end = data() + size_ * element_size(dtype_);
  return std::memcmp(data() - guard, fresh.data() - guard, guard) == 0 &&
         std::memcmp(end, fresh.data(), guard) == 0;
}

uint64_t Random::next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double Random::uniform(double low, double high) {
  return low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53;
}

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(uniform(0x1p-60, 1)));
  return radius * std::cos(uniform(0, 2 * M_PI));
}

int64_t Random::integer(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
}

std::vector<double> Random::normals(int64_t count, double scale) {
  std::vector<double> result(static_cast<size_t>(count));
  for (double& value : result) value = normal() * scale;
  return result;
}

OptionScope::OptionScope(const char* name, const std::string& value) : name_(name) {
  EXPECT_EQ(wl_set_option(name, value.c_str()), WL_STATUS_OK) << wl_last_error();
}

OptionScope::~OptionScope() { wl_set_option(name_, "auto"); }

std::vector<std::string> instruction_sets() {
  std::vector<std::string> sets;
  for (const char* name : {"avx2", "avx512", "avx512_bf16"}) {
    if (wl_set_option("cpu_isa", name) == WL_STATUS_OK) sets.push_back(name);
  }
  wl_set_option("cpu_isa", "auto");
  return sets;
}

}  // namespace wl::test
