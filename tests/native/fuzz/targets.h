// The C ABI's entry points that take sizes, strides and offsets, as targets of a fuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace wl::fuzz {

struct Target {
  const char* name;
  // Makes the call that the bytes describe; returns what is wrong with the library's answer, "" if nothing.
  std::string (*run)(const uint8_t* data, size_t size);
};

const std::vector<Target>& targets();

}  // namespace wl::fuzz
