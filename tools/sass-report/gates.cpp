#include "gates.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "loops.h"

namespace wl::sass {
namespace {

constexpr std::string_view kKernelCount = "kernel:", kLoopCount = "loop:";

bool is_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == 0 && value >= 0 && value < 1e9;
}

std::string shortest(double value) {
  std::ostringstream text;
  text.precision(3);
  text << value;
  return text.str();
}

// What is wrong with a kernel that the gate applies to; empty if nothing.
std::string violation(const Figures& figures, const Gate& gate) {
  const bool needs_loop = !gate.gate.starts_with(kKernelCount) && gate.gate != "stack";
  if (needs_loop && figures.products == 0) return "no loop with matrix products";
  if (gate.gate == "begun") {
    const auto last = std::find_if(figures.loop.rbegin(), figures.loop.rend(), is_matrix_product);
    const bool found = std::any_of(last, figures.loop.rend(), [&](const Instruction& instruction) {
      return matches(instruction.opcode, gate.value);
    });
    return found ? "" : "no " + gate.value + " before the last matrix product of the main loop";
  }
  double value = 0;
  std::string what;
  if (gate.gate == "stack") {
    value = figures.kernel->resources.stack;
    what = " bytes of stack frame";
  } else if (gate.gate == "others") {
    value = figures.others_per_product;
    what = " other instructions for each matrix product of the main loop";
  } else if (gate.gate.starts_with(kKernelCount)) {
    const std::string opcode = gate.gate.substr(kKernelCount.size());
    value = count(figures.kernel->code, opcode);
    what = " " + opcode + " in the kernel";
  } else {
    const std::string opcode = gate.gate.substr(kLoopCount.size());
    value = count(figures.loop, opcode);
    what = " " + opcode + " in the main loop";
  }
  return value <= std::strtod(gate.value.c_str(), nullptr)
             ? ""
             : shortest(value) + what + ", at most " + gate.value;
}

}  // namespace

std::vector<Figures> figures_of(const std::vector<Kernel>& kernels) {
  std::vector<Figures> result;
  for (const Kernel& kernel : kernels) {
    Figures figures = {&kernel, main_loop(kernel), 0, 0};
    figures.products =
        static_cast<int>(std::count_if(figures.loop.begin(), figures.loop.end(), is_matrix_product));
    if (figures.products > 0)
      figures.others_per_product =
          static_cast<double>(figures.loop.size() - static_cast<size_t>(figures.products)) / figures.products;
    result.push_back(std::move(figures));
  }
  return result;
}

std::vector<Gate> read_gates(std::istream& file) {
  std::vector<Gate> gates;
  std::string text;
  for (int line = 1; std::getline(file, text); ++line) {
    std::istringstream words(text.substr(0, text.find('#')));
    Gate gate = {line, "", "", "", ""};
    if (!(words >> gate.kernel)) continue;
    std::string more;
    const auto wrong = [&](const std::string& reason) {
      throw std::runtime_error("line " + std::to_string(line) + " is \"" + text + "\"; " + reason);
    };
    if (!(words >> gate.architecture >> gate.gate >> gate.value) || words >> more)
      wrong("must be KERNEL ARCHITECTURE GATE VALUE");
    const bool counts = (gate.gate.starts_with(kKernelCount) && gate.gate.size() > kKernelCount.size()) ||
                        (gate.gate.starts_with(kLoopCount) && gate.gate.size() > kLoopCount.size());
    if (!counts && gate.gate != "stack" && gate.gate != "others" && gate.gate != "begun" &&
        gate.gate != "instances")
      wrong("the gate must be stack, others, begun, instances, kernel:OPCODE or loop:OPCODE");
    if (gate.gate != "begun" && !is_number(gate.value)) wrong("the value must be a number, at least 0");
    gates.push_back(gate);
  }
  return gates;
}

std::vector<std::string> violations(const std::vector<Figures>& kernels, const std::vector<Gate>& gates) {
  std::vector<std::string> result;
  for (const Gate& gate : gates) {
    const std::string where = "gate of line " + std::to_string(gate.line) + ": ";
    int instances = 0;
    for (const Figures& figures : kernels) {
      const Kernel& kernel = *figures.kernel;
      if (!matches(kernel.name, gate.kernel) || !matches(kernel.architecture, gate.architecture)) continue;
      ++instances;
      if (gate.gate == "instances") continue;
      const std::string problem = violation(figures, gate);
      if (!problem.empty())
        result.push_back(where + kernel.name + " (" + kernel.architecture + "): " + problem);
    }
    if (instances == 0) result.push_back(where + "no kernel is " + gate.kernel + " of " + gate.architecture);
    if (gate.gate == "instances" && instances > std::strtod(gate.value.c_str(), nullptr))
      result.push_back(where + std::to_string(instances) + " kernels are " + gate.kernel + " of " +
                       gate.architecture + ", at most " + gate.value);
  }
  return result;
}

std::string markdown(const std::vector<Figures>& kernels, const std::string& compiler) {
  std::ostringstream text;
  text << "# Registers, memory and main loop of every kernel\n\n"
          "Compiled by "
       << compiler
       << ". Written by the build (tools/sass-report).\n\n"
          "The main loop is the innermost loop with most matrix products (HMMA or IMMA); \"others\" are its "
          "other instructions for\n"
          "each of them. Stack frame and fixed shared memory are in bytes (sm_90 keeps 1024 for itself); "
          "\"local\" counts loads and\n"
          "stores of spilled registers.\n\n"
          "| kernel | architecture | registers | stack | local | shared | loop | HMMA | others | LDGSTS | "
          "LDSM | BAR | MUFU |\n"
          "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const Figures& figures : kernels) {
    const Kernel& kernel = *figures.kernel;
    text << "| `" << kernel.name << "` | " << kernel.architecture << " | " << kernel.resources.registers
         << " | " << kernel.resources.stack << " | "
         << count(kernel.code, "LDL*") + count(kernel.code, "STL*") << " | " << kernel.resources.shared
         << " |";
    if (figures.products == 0) {
      text << " | | | | | | |\n";
      continue;
    }
    text << " " << figures.loop.size() << " | " << figures.products << " | "
         << shortest(figures.others_per_product) << " |";
    for (const char* opcode : {"LDGSTS*", "LDSM*", "BAR.*", "MUFU*"})
      text << " " << count(figures.loop, opcode) << " |";
    text << "\n";
  }
  return text.str();
}

}  // namespace wl::sass
