#include "core/options.h"

#include <cpuid.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "core/failure.h"
#include "core/system.h"

namespace wl {
namespace {

struct Choice {
  const char* text;
  int value;
};
constexpr Choice kIsaChoices[] = {{"avx2", 0}, {"avx512", 1}, {"avx512_bf16", 2}};
constexpr Choice kGemmChoices[] = {{"rows", 1}, {"tiles", 2}};
constexpr Choice kAttentionChoices[] = {{"tiles", 1}, {"split", 2}};

struct Option {
  const char* name;
  const char* environment;
  const Choice* choices;  // nullptr: a number
  int choice_count;
  std::atomic<int> value;  // kAutomatic, kBadEnvironment, or a number
  int initial;
  std::string environment_value;
};

constexpr int kAutomatic = -1;
constexpr int kBadEnvironment =
    -2;  // Every use of the option fails until it is set: a typing error must not pass.

enum { kThreadsOption, kIsaOption, kGemmOption, kAttentionOption, kOptionCount };

// Clang 14 does not know the names "f16c" and "avx512bf16".
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

bool has_avx512_bf16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & bit_AVX512BF16) != 0;
}

bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
         has_f16c();
}

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd");
}

// -1 below AVX2.
int detect_isa() {
  if (!has_avx2()) return -1;
  if (!has_avx512()) return static_cast<int>(Isa::kAvx2);
  return static_cast<int>(has_avx512_bf16() ? Isa::kAvx512Bf16 : Isa::kAvx512);
}

int detected_isa() {
  static const int value = detect_isa();
  return value;
}

std::string choices_text(const Option& option) {
  if (option.choices == nullptr) return "a number from 1 to 256, or auto";
  std::string text;
  for (int i = 0; i < option.choice_count; ++i) text += std::string(option.choices[i].text) + ", ";
  return text + "or auto";
}

std::optional<int> parse(const Option& option, std::string_view value) {
  if (value == "auto") return kAutomatic;
  if (option.choices == nullptr) {
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || number < 1 ||
        number > kLargestThreadCount) {
      return {};
    }
    return number;
  }
  for (int i = 0; i < option.choice_count; ++i) {
    if (value == option.choices[i].text) return option.choices[i].value;
  }
  return {};
}

struct Table {
  Option options[kOptionCount] = {
      {"threads", "WARPLINE_THREADS", nullptr, 0, kAutomatic, kAutomatic, {}},
      {"cpu_isa", "WARPLINE_CPU_ISA", kIsaChoices, 3, kAutomatic, kAutomatic, {}},
      {"gemm.kernel", "WARPLINE_GEMM_KERNEL", kGemmChoices, 2, kAutomatic, kAutomatic, {}},
      {"attention.kernel", "WARPLINE_ATTENTION_KERNEL", kAttentionChoices, 2, kAutomatic, kAutomatic, {}},
  };

  Table() {
    for (Option& option : options) {
      const char* environment = std::getenv(option.environment);
      if (environment == nullptr) continue;
      option.environment_value = environment;
      const int value = parse(option, environment).value_or(kBadEnvironment);
      const bool bad =
          value == kBadEnvironment || (&option == &options[kIsaOption] && value > detected_isa());
      option.initial = bad ? kAutomatic : value;
      option.value = bad ? kBadEnvironment : value;
    }
  }
};

Table& table() {
  static Table instance;
  return instance;
}

// The environment is read when the library is loaded.
[[maybe_unused]] const Table& at_load = table();

Option& find(const char* name) {
  if (name == nullptr) invalid("name", "NULL", "the name of an option");
  for (Option& option : table().options) {
    if (std::strcmp(option.name, name) == 0) return option;
  }
  std::string known;
  for (const Option& option : table().options)
    known += (known.empty() ? "" : ", ") + std::string(option.name);
  invalid("name", "\"" + std::string(name) + "\"", "one of " + known);
}

int value_of(const Option& option) {
  const int value = option.value.load(std::memory_order_relaxed);
  if (value != kBadEnvironment) return value;
  const bool isa = &option == &table().options[kIsaOption];
  invalid(option.environment, "\"" + option.environment_value + "\"",
          choices_text(option) + (isa ? ", and no more than the machine has" : ""));
}

}  // namespace

const char* isa_name(Isa isa) { return kIsaChoices[static_cast<int>(isa)].text; }

Isa machine_isa() {
  if (detected_isa() < 0) {
    throw Failure{WL_STATUS_UNSUPPORTED, "",
                  "this processor lacks AVX2 with FMA and F16C, which Warpline needs"};
  }
  return static_cast<Isa>(detected_isa());
}

Isa isa() {
  const int forced = value_of(table().options[kIsaOption]);
  return forced < 0 ? machine_isa() : static_cast<Isa>(forced);
}

int thread_count() {
  const int forced = value_of(table().options[kThreadsOption]);
  static const int processors = std::min(processor_count(), kLargestThreadCount);
  return forced < 0 ? processors : forced;
}

GemmKernel forced_gemm_kernel() {
  const int value = value_of(table().options[kGemmOption]);
  return value < 0 ? GemmKernel::kAuto : static_cast<GemmKernel>(value);
}

AttentionKernel forced_attention_kernel() {
  const int value = value_of(table().options[kAttentionOption]);
  return value < 0 ? AttentionKernel::kAuto : static_cast<AttentionKernel>(value);
}

void require_options() {
  machine_isa();
  for (const Option& option : table().options) value_of(option);
}

void set_option(const char* name, const char* value) {
  Option& option = find(name);
  if (value == nullptr) invalid("value", "NULL", choices_text(option));
  const std::optional<int> parsed = parse(option, value);
  if (!parsed) invalid("value", "\"" + std::string(value) + "\"", choices_text(option));
  if (&option == &table().options[kIsaOption] && *parsed > detected_isa()) {
    fail(WL_STATUS_UNSUPPORTED, "value", "\"" + std::string(value) + "\"",
         std::string("at most ") + isa_name(machine_isa()) + ", the best of this machine");
  }
  option.value = *parsed < 0 ? option.initial : *parsed;
}

std::string get_option(const char* name) {
  const Option& option = find(name);
  if (&option == &table().options[kThreadsOption]) return text(thread_count());
  if (&option == &table().options[kIsaOption]) return isa_name(isa());
  const int value = value_of(option);
  for (int i = 0; i < option.choice_count; ++i) {
    if (option.choices[i].value == value) return option.choices[i].text;
  }
  return "auto";
}

}  // namespace wl
