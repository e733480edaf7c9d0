#include "kernel.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <tuple>

namespace wl::sass {
namespace {

void erase_all(std::string* text, std::string_view part) {
  for (size_t at; (at = text->find(part)) != std::string::npos;) text->erase(at, part.size());
}

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r;");
  return first == std::string_view::npos || last == std::string_view::npos || last < first
             ? std::string()
             : std::string(text.substr(first, last - first + 1));
}

// The text after the key, if the line begins with it.
bool after(std::string_view line, std::string_view key, std::string* rest) {
  const size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos || line.substr(first, key.size()) != key) return false;
  *rest = trimmed(line.substr(first + key.size()));
  return true;
}

int number_after(const std::string& line, const std::string& key) {
  const size_t at = line.find(key);
  if (at == std::string::npos) throw std::runtime_error("no " + key + " in the line \"" + line + "\"");
  return std::atoi(line.c_str() + at + key.size());
}

// "/*01f0*/  @!P0 BRA 0x5d0 ;  /* 0x... */"; the second line of an instruction's bits has no address and no text.
bool parse_instruction(std::string_view line, Instruction* instruction) {
  const size_t open = line.find("/*"), close = line.find("*/");
  if (open == std::string_view::npos || close == std::string_view::npos) return false;
  const std::string address(line.substr(open + 2, close - open - 2));
  if (address.empty() || address.find_first_not_of("0123456789abcdef") != std::string::npos) return false;
  std::string_view body = line.substr(close + 2);
  std::string text = trimmed(body.substr(0, body.find("/*")));
  if (text.empty()) return false;
  instruction->address = static_cast<uint32_t>(std::stoul(address, nullptr, 16));
  if (text[0] == '@') {
    const size_t space = text.find(' ');
    instruction->predicate = text.substr(0, space);
    text = space == std::string::npos ? std::string() : trimmed(text.substr(space));
  }
  const size_t space = text.find(' ');
  instruction->opcode = text.substr(0, space);
  instruction->operands = space == std::string::npos ? std::string() : trimmed(text.substr(space));
  return !instruction->opcode.empty();
}

}  // namespace

std::string short_name(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
  if (status != 0) return symbol;  // extern "C"
  std::string name = demangled.get();
  erase_all(&name, "(anonymous namespace)::");
  // The parameters: the last pair of parentheses outside all others.
  size_t at = name.rfind(')');
  if (at != std::string::npos && at + 1 == name.size()) {
    int depth = 0;
    do {
      depth += name[at] == ')' ? 1 : name[at] == '(' ? -1 : 0;
    } while (depth > 0 && at-- > 0);
    name.erase(at);
  }
  // The result: what stands before the last space outside template arguments.
  int depth = 0;
  for (at = name.size(); at-- > 0;) {
    depth += name[at] == '>' || name[at] == ')' ? 1 : name[at] == '<' || name[at] == '(' ? -1 : 0;
    if (name[at] == ' ' && depth == 0) break;
  }
  if (at != std::string::npos) name.erase(0, at + 1);
  erase_all(&name, "wl::cuda::");
  erase_all(&name, " ");
  return name;
}

void ListingReader::line(std::string_view text) {
  std::string rest;
  Instruction instruction;
  if (!resources_of_.empty()) {
    const std::string values(text);
    resources_[resources_of_] = {number_after(values, "REG:"), number_after(values, "STACK:"),
                                 number_after(values, "SHARED:")};
    resources_of_.clear();
  } else if (after(text, "Resource usage:", &rest)) {
    resources_.clear();
  } else if (after(text, "code for ", &rest)) {
    architecture_ = rest;
  } else if (after(text, "Function :", &rest)) {
    const auto found = resources_.find(rest);
    if (found == resources_.end() || architecture_.empty())
      throw std::runtime_error("the listing has code of " + rest + " without its resources or architecture");
    kernels_.push_back({short_name(rest), architecture_, found->second, {}});
  } else if (after(text, "Function ", &rest)) {
    if (rest.empty() || rest.back() != ':')
      throw std::runtime_error("no name in \"" + std::string(text) + "\"");
    rest.pop_back();
    resources_of_ = rest;
  } else if (parse_instruction(text, &instruction)) {
    if (kernels_.empty()) throw std::runtime_error("the listing has code before the first kernel's name");
    kernels_.back().code.push_back(std::move(instruction));
  }
}

std::vector<Kernel> ListingReader::finish() {
  std::sort(kernels_.begin(), kernels_.end(), [](const Kernel& a, const Kernel& b) {
    return std::tie(a.name, a.architecture) < std::tie(b.name, b.architecture);
  });
  return std::move(kernels_);
}

bool matches(std::string_view text, std::string_view pattern) {
  // After a star: `retry` is where the rest of the pattern was last tried.
  size_t t = 0, p = 0, star = std::string_view::npos, retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      retry = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

int count(const std::vector<Instruction>& code, std::string_view opcode_pattern) {
  return static_cast<int>(std::count_if(code.begin(), code.end(), [&](const Instruction& instruction) {
    return matches(instruction.opcode, opcode_pattern);
  }));
}

bool is_matrix_product(const Instruction& instruction) {
  return instruction.opcode.starts_with("HMMA") || instruction.opcode.starts_with("IMMA");
}

}  // namespace wl::sass
