// What the machine code of kernels must hold: the rules of a gates file, and whether they are met.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "kernel.h"

namespace wl::sass {

// Figures of one kernel for the report and the gates.
struct Figures {
  const Kernel* kernel;
  std::vector<Instruction> loop;  // see main_loop
  int products;                   // matrix products of the loop
  double others_per_product;      // its other instructions for each of them; 0 where there is no loop
};
std::vector<Figures> figures_of(const std::vector<Kernel>& kernels);

// A line of a gates file: "KERNEL ARCHITECTURE GATE VALUE"; * stands for any characters in all but the gate's own word.
// The gates, each for all kernels that match:
//   stack N             at most N bytes of stack frame for each thread
//   kernel:OPCODE N     at most N such instructions in the kernel
//   loop:OPCODE N       at most N in the main loop
//   others R            at most R other instructions in the main loop for each matrix product
//   begun OPCODE        such an instruction is in the main loop before its last matrix product
//   instances N         at most N kernels match, which bounds the time of a build
struct Gate {
  int line;
  std::string kernel, architecture, gate, value;
};
// Throws std::runtime_error with the line where it is none of these.
std::vector<Gate> read_gates(std::istream& file);

// What is not met, a line each; a gate that no kernel matches is not met.
std::vector<std::string> violations(const std::vector<Figures>& kernels, const std::vector<Gate>& gates);

// The figures as a table in Markdown; `compiler` says what compiled them.
std::string markdown(const std::vector<Figures>& kernels, const std::string& compiler);

}  // namespace wl::sass
