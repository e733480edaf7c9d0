#include "support/harness.h"

#include <warpline/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "support/limits.h"

namespace wl::bench {
namespace {

constexpr double kSampleSeconds = 0.025;

double seconds_of(const Task& task, int calls) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) task.run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Calls that fill a sample.
int calls_of(const Task& task) {
  task.run();  // Scratch memory, threads and caches are warm from here on.
  const double once = std::max(1e-9, seconds_of(task, 1));
  return std::max(1, static_cast<int>(kSampleSeconds / once + 0.5));
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

wl_device_info cpu() {
  wl_device_info info{};
  info.struct_size = sizeof info;
  wl_device_get_info(WL_DEVICE_CPU, 0, &info);
  return info;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) result += c;
  }
  return result + "\"";
}

}  // namespace

Report::Report(const char* title, int argc, char** argv) : title_(title) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json_file_ = argv[++i];
    } else if (std::strcmp(argv[i], "--alternations") == 0 && i + 1 < argc) {
      alternations_ = std::max(15, std::atoi(argv[++i]));
    } else {
      filter_ = argv[i];
    }
  }
  std::printf("%s: %s, %s, %d threads; medians of %d alternations\n", title, cpu().name, cpu().isa,
              thread_count(), alternations_);
  std::printf("%-34s %-32s %9s %9s %-8s %7s %15s %6s\n", "ours", "limit", "ours", "limit", "unit", "ratio",
              "quartiles", "bar");
}

bool Report::wanted(const std::string& name) const { return name.find(filter_) != std::string::npos; }

void Report::compare(const std::string& unit, double bar, const Task& ours, const Task& limit) {
  if (!wanted(ours.name)) return;
  const int limit_calls = calls_of(limit), our_calls = calls_of(ours);
  std::vector<double> rates, limit_rates, ratios;
  for (int i = 0; i < alternations_; ++i) {
    limit_rates.push_back(limit.work * limit_calls / seconds_of(limit, limit_calls) / 1e9);
    rates.push_back(ours.work * our_calls / seconds_of(ours, our_calls) / 1e9);
    ratios.push_back(rates.back() / limit_rates.back());
  }
  const Comparison row{ours.name,
                       wl_last_kernel(),
                       limit.name,
                       unit,
                       quantile(rates, 0.5),
                       quantile(limit_rates, 0.5),
                       quantile(ratios, 0.5),
                       quantile(ratios, 0.25),
                       quantile(ratios, 0.75),
                       bar,
                       alternations_};
  rows_.push_back(row);
  char verdict[32] = "";
  if (bar > 0)
    std::snprintf(verdict, sizeof verdict, "%5.0f%% %s", bar * 100, row.ratio >= bar ? "met" : "missed");
  std::printf("%-34s %-32s %9.1f %9.1f %-8s %6.1f%% %6.1f%%-%6.1f%% %s\n", row.name.c_str(),
              row.limit.c_str(), row.rate, row.limit_rate, unit.c_str(), row.ratio * 100, row.low * 100,
              row.high * 100, verdict);
  std::fflush(stdout);
}

int Report::finish() const {
  if (json_file_.empty()) return 0;
  std::ofstream file(json_file_);
  file << "{\"title\": " << quoted(title_) << ", \"version\": " << quoted(wl_version())
       << ", \"machine\": " << quoted(cpu().name) << ", \"isa\": " << quoted(cpu().isa)
       << ", \"threads\": " << thread_count() << ", \"comparisons\": [";
  const char* separator = "\n";
  for (const Comparison& row : rows_) {
    file << separator << "  {\"name\": " << quoted(row.name) << ", \"kernel\": " << quoted(row.kernel)
         << ", \"limit\": " << quoted(row.limit) << ", \"unit\": " << quoted(row.unit)
         << ", \"rate\": " << row.rate << ", \"limit_rate\": " << row.limit_rate
         << ", \"ratio\": " << row.ratio << ", \"quartiles\": [" << row.low << ", " << row.high
         << "], \"bar\": " << row.bar << ", \"alternations\": " << row.alternations << "}";
    separator = ",\n";
  }
  file << "\n]}\n";
  file.close();
  if (!file) {
    std::fprintf(stderr, "%s could not be written\n", json_file_.c_str());
    return 1;
  }
  return 0;
}

}  // namespace wl::bench
