// support-matrix: asks the library what it serves, on the CPU and on the emulated CUDA device, and writes the answers as
// tables to the standard output (docs/support-matrix.md).
#include <cstdio>
#include <exception>
#include <string>

#include "backend.h"

int main() {
  std::string text =
      "# What is served where\n\n"
      "Written by tools/support-matrix from the library's own answers to small calls, or to wl_X_supported; "
      "a test compares\n"
      "(rewrite it as HACKING.md says). both: on the CPU and on CUDA, whose answers are the emulated "
      "library's, compiled from\n"
      "the same source; cpu, cuda: there only; -: refused with a reason.\n\n";
  try {
    wl::support::Answers answers;
    wl::support::attention_tables(text, answers);
    wl::support::gemm_tables(text, answers);
    wl::support::layer_tables(text, answers);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "support-matrix: %s\n", error.what());
    return 1;
  }
  text.pop_back();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
