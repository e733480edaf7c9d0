// A kernel as `cuobjdump -sass -res-usage` lists it, and the reader of such a listing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace wl::sass {

struct Instruction {
  uint32_t address = 0;
  std::string predicate;  // "@!P0", empty where it is always executed
  std::string opcode;     // "HMMA.16816.F32.BF16"
  std::string operands;   // "R24, R16, R38, R24"
};

struct Resources {
  int registers = 0;
  int stack = 0;   // bytes for each thread: spilled registers and arrays that are not in registers
  int shared = 0;  // bytes, those of fixed size only
};

struct Kernel {
  std::string name;          // see short_name
  std::string architecture;  // "sm_80"
  Resources resources;
  std::vector<Instruction> code;
};

// What a kernel is called in reports and gates: demangled, without result, parameters, spaces and wl::cuda::, as in
// "scale<float,128>".
std::string short_name(const std::string& symbol);

// Takes a listing line by line. Throws std::runtime_error where the listing contradicts itself.
class ListingReader {
 public:
  void line(std::string_view text);
  // All kernels, in the order of their names and architectures.
  std::vector<Kernel> finish();

 private:
  std::string resources_of_;                    // symbol whose resources the next line tells
  std::map<std::string, Resources> resources_;  // by symbol, of the cubin that is being read
  std::string architecture_;
  std::vector<Kernel> kernels_;
};

// Number of instructions whose opcode matches the pattern, in which * stands for any characters.
bool matches(std::string_view text, std::string_view pattern);
int count(const std::vector<Instruction>& code, std::string_view opcode_pattern);
// Multiplications of matrices in tensor cores.
bool is_matrix_product(const Instruction& instruction);

}  // namespace wl::sass
