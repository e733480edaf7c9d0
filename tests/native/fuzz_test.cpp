// The fuzzer's targets without a fuzzer: every file of tests/corpus/native, and random calls from fixed seeds. What a call
// does wrong is told with its bytes: saved below tests/corpus/native/TARGET they are a test.
#include <gtest/gtest.h>
#include <sys/time.h>
#include <warpline/core.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/targets.h"
#include "support/tensors.h"

// Sanitizers end a process without a signal.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace wl::test {
namespace {

using Bytes = std::vector<uint8_t>;

std::string hex(const Bytes& bytes) {
  std::string text;
  char digits[3];
  for (const uint8_t byte : bytes) {
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

Bytes corpus_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::filesystem::path> corpus(const std::string& target) {
  std::vector<std::filesystem::path> files;
  const std::filesystem::path folder =
      std::filesystem::path(WARPLINE_SOURCE_DIR) / "tests/corpus/native" / target;
  if (!std::filesystem::exists(folder)) return files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// What is being run, for a handler that may do little.
char running[4096];

void tell(int signal) {
  std::fputs(running, stderr);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// A call that takes so many seconds of processor time hangs.
void limit(int seconds) {
  const itimerval timer{{0, 0}, {seconds, 0}};
  setitimer(ITIMER_PROF, &timer, nullptr);
}

class Fuzz : public testing::TestWithParam<fuzz::Target> {
 protected:
  void SetUp() override {
    if (__sanitizer_set_death_callback != nullptr)
      __sanitizer_set_death_callback([] { std::fputs(running, stderr); });
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGPROF}) std::signal(signal, tell);
  }
  void TearDown() override {
    limit(0);
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGPROF}) std::signal(signal, SIG_DFL);
    for (const char* option : {"cpu_isa", "gemm.kernel", "attention.kernel"}) wl_set_option(option, "auto");
  }

  static std::string run(const Bytes& bytes) {
    std::snprintf(running, sizeof running, "%s: the bytes of the call: %s\n", GetParam().name,
                  hex(bytes).c_str());
    limit(60);
    return GetParam().run(bytes.data(), bytes.size());
  }
};

TEST_P(Fuzz, TheCorpus) {
  const auto files = corpus(GetParam().name);
  EXPECT_FALSE(files.empty()) << "tests/corpus/native/" << GetParam().name << " is empty";
  for (const auto& file : files) EXPECT_EQ(run(corpus_file(file)), "") << file;
}

// WARPLINE_FUZZ_SEED and WARPLINE_FUZZ_RUNS make it another and a longer run.
TEST_P(Fuzz, RandomCalls) {
  const auto number = [](const char* name, int64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::atoll(text);
  };
  const int64_t seed = number("WARPLINE_FUZZ_SEED", 1), runs = number("WARPLINE_FUZZ_RUNS", 3000);
  std::vector<Bytes> seeds;
  for (const auto& file : corpus(GetParam().name)) seeds.push_back(corpus_file(file));
  Random random(static_cast<uint64_t>(seed));
  for (int64_t i = 0; i < runs; ++i) {
    Bytes bytes;
    if (!seeds.empty() && i % 4 == 0)
      bytes = seeds[static_cast<size_t>(random.integer(0, static_cast<int64_t>(seeds.size()) - 1))];
    const auto length = static_cast<size_t>(random.integer(8, 40));
    if (bytes.size() < length) bytes.resize(length);
    // A new call, or a known one with a few bytes changed.
    const int64_t changes = i % 4 == 0 ? random.integer(1, 4) : static_cast<int64_t>(bytes.size());
    for (int64_t c = 0; c < changes; ++c) {
      const auto place = i % 4 == 0 ? random.integer(0, static_cast<int64_t>(bytes.size()) - 1) : c;
      bytes[static_cast<size_t>(place)] = static_cast<uint8_t>(random.integer(0, 255));
    }
    ASSERT_EQ(run(bytes), "") << "seed " << seed << ", run " << i << ": " << hex(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Abi, Fuzz, testing::ValuesIn(fuzz::targets()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace wl::test
