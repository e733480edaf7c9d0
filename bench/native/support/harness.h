// Speed as a ratio: ours and a limit of the machine are measured in turns, in one run, so that both meet the same
// clock rate and the same neighbours.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace wl::bench {

// Something to be timed. `work` is what one call of `run` does: floating-point operations or bytes.
struct Task {
  std::string name;
  double work;
  std::function<void()> run;
};

struct Comparison {
  std::string name;    // of ours
  std::string kernel;  // that wl_last_kernel() named
  std::string limit;
  std::string unit;   // of the rates: GFLOP/s or GB/s
  double rate;        // of ours: median, in 1e9 a second
  double limit_rate;  // median
  double ratio;       // median of the ratios, one an alternation
  double low, high;   // quartiles of the ratios
  double bar;         // what the ratio should reach; 0: none
  int alternations;
};

class Report {
 public:
  // Reads the command line: [--json FILE] [--alternations N] [FILTER], where only comparisons whose name contains
  // FILTER run.
  Report(const char* title, int argc, char** argv);

  // Measures ours and the limit in turns and prints a line.
  void compare(const std::string& unit, double bar, const Task& ours, const Task& limit);
  bool wanted(const std::string& name) const;

  // Writes the JSON file where one was asked for; the program's exit code (1: it could not be written).
  int finish() const;

 private:
  std::string title_, json_file_, filter_;
  int alternations_ = 21;
  std::vector<Comparison> rows_;
};

}  // namespace wl::bench
