// tools/gpu-check and tools/gpu-pack on this machine: programs of the machine with a GPU are stood in for by scripts that
// come first on the PATH, so every way that a stage may go is seen without one.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/headers.h"

namespace wl::test {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Whether a text is one JSON value and nothing more.
class Json {
 public:
  static bool valid(const std::string& text) {
    Json json{text};
    return json.value() && json.rest() == text.size();
  }

 private:
  explicit Json(const std::string& text) : text_(text) {}
  size_t rest() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return at_;
  }
  bool take(char c) { return rest() < text_.size() && text_[at_] == c && ++at_; }
  bool word(const char* expected) {
    const std::string w = expected;
    if (text_.compare(at_, w.size(), w) != 0) return false;
    at_ += w.size();
    return true;
  }
  bool string() {
    if (!take('"')) return false;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_] == '\\' && std::string("\"\\/bfnrtu").find(text_[++at_]) == std::string::npos)
        return false;
    }
    return take('"');
  }
  bool number() {
    const size_t begin = at_;
    while (at_ < text_.size() && std::string("+-.eE0123456789").find(text_[at_]) != std::string::npos) ++at_;
    return at_ > begin;
  }
  bool list(char end, bool named) {
    if (take(end)) return true;
    do {
      if (named && !(string() && take(':'))) return false;
      if (!value()) return false;
    } while (take(','));
    return take(end);
  }
  bool value() {
    if (take('{')) return list('}', true);
    if (take('[')) return list(']', false);
    if (rest() < text_.size() && text_[at_] == '"') return string();
    return word("null") || word("true") || word("false") || number();
  }

  const std::string& text_;
  size_t at_ = 0;
};

class GpuCheck : public testing::Test {
 protected:
  GpuCheck() {
    char name[] = "/tmp/warpline-gpu-check-XXXXXX";
    folder_ = mkdtemp(name);
    script("bin/nvidia-smi", "exit 9");
  }
  ~GpuCheck() override { fs::remove_all(folder_); }

  void script(const std::string& path, const std::string& body) {
    const fs::path file = folder_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "#!/bin/bash\n" << body << "\n";
    chmod(file.c_str(), 0755);
  }

  // What the command writes, with its exit status in the last line.
  std::string run(const std::string& command) {
    return output_of("cd '" WARPLINE_SOURCE_DIR "' && PATH='" + folder_.string() + "/bin':\"$PATH\" " +
                     command + " 2>&1; echo $?");
  }
  std::string check(const std::string& stages) {
    const std::string build = "'" + folder_.string();
    return run("tools/gpu-check --build " + build + "' --results " + build + "/results' --pack " + build +
               "/pack' " + stages);
  }

  // The one report of that ending.
  std::string report(const std::string& card, const std::string& ending) {
    std::string text;
    int files = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / "results")) {
      if (entry.path().extension() != ending) continue;
      EXPECT_EQ(entry.path().filename().string().rfind("gpu-" + card + "-20", 0), 0u) << entry.path();
      text = read_file(entry.path());
      ++files;
    }
    EXPECT_EQ(files, 1);
    return text;
  }

  fs::path folder_;
};

void expect_stage(const std::string& json, const std::string& stage, const std::string& status,
                  const std::string& reason) {
  const size_t begin = json.find("{\"name\": \"" + stage + "\"");
  ASSERT_NE(begin, std::string::npos) << stage;
  const std::string line = json.substr(begin, json.find('\n', begin) - begin);
  EXPECT_NE(line.find("\"status\": \"" + status + "\""), std::string::npos) << line;
  EXPECT_NE(line.find("\"reason\": \"" + reason), std::string::npos) << line;
}

const char* const kGpuStages[] = {"native-tests", "benchmarks", "managed-tests", "memcheck",
                                  "racecheck",    "synccheck",  "initcheck"};

TEST_F(GpuCheck, WithoutAGpuEachStageThatNeedsOneSaysSo) {
  std::string stages;
  for (const char* stage : kGpuStages) stages += std::string(stage) + " ";
  const std::string output = check(stages);
  EXPECT_EQ(lines_of(output).back(), "0") << output;
  const std::string json = report("none", ".json"), markdown = report("none", ".md");
  EXPECT_TRUE(Json::valid(json)) << json;
  for (const char* stage : kGpuStages) {
    expect_stage(json, stage, "skipped", "no GPU\"");
    EXPECT_NE(markdown.find("| " + std::string(stage) + " | skipped: no GPU | 0 |"), std::string::npos)
        << markdown;
  }
  expect_stage(json, "compile", "not asked for", "\"");
  EXPECT_NE(json.find("\"card\": \"\""), std::string::npos);
  EXPECT_NE(json.find("\"tests\": [\n ]"), std::string::npos) << json;
  EXPECT_NE(json.find("\"peers\": null"), std::string::npos) << json;
}

// A card, a test program that passes, one that fails and one that dies; no PyTorch; nothing carried.
TEST_F(GpuCheck, AFailureIsReportedAndHidesNothing) {
  script("bin/nvidia-smi", "case $1 in *=name) echo 'NVIDIA H100 80GB HBM3' ;; *driver*) echo 570.1 ;; esac");
  script("bin/python3", "exit 1");
  script("native/tests/device_good_test",
         "echo '[       OK ] Good.One (3 ms)'; echo '[       OK ] Good.Two (0 ms)'");
  script(
      "native/tests/device_bad_test",
      R"(printf 'a "quoted" \\ line\n[       OK ] Bad.One (1 ms)\n[  FAILED  ] Bad.Two (1 ms)\n'; exit 1)");
  script("native/tests/device_dead_test", "kill -SEGV $$");
  const std::string output = check("native-tests benchmarks managed-tests");
  EXPECT_EQ(lines_of(output).back(), "1") << output;
  const std::string json = report("nvidia-h100-80gb-hbm3", ".json");
  EXPECT_TRUE(Json::valid(json)) << json;
  expect_stage(json, "native-tests", "failed", "\"");
  expect_stage(json, "benchmarks", "skipped", "no PyTorch that sees the GPU\"");
  expect_stage(json, "managed-tests", "skipped", "the managed tests were not carried");
  EXPECT_NE(json.find("\"driver\": \"570.1\""), std::string::npos);
  for (const char* line : {R"({"program": "device_good_test", "passed": 2, "failed": 0, "skipped": 0})",
                           R"({"program": "device_bad_test", "passed": 1, "failed": 1, "skipped": 0})",
                           R"({"program": "device_dead_test", "passed": 0, "failed": 1, "skipped": 0})"})
    EXPECT_NE(json.find(line), std::string::npos) << line << "\n" << json;
  const std::string markdown = report("nvidia-h100-80gb-hbm3", ".md");
  EXPECT_NE(markdown.find("| device_bad_test | 1 | 1 | 0 |"), std::string::npos) << markdown;
  EXPECT_NE(markdown.find("failed: Bad.Two"), std::string::npos) << markdown;
}

TEST_F(GpuCheck, RefusesAnUnknownStage) {
  const std::string output = check("compile-everything");
  EXPECT_EQ(lines_of(output).back(), "2");
  EXPECT_NE(output.find("no stage compile-everything"), std::string::npos) << output;
}

TEST_F(GpuCheck, TheSanitizersSetNamesTestsThatExist) {
  int named = 0;
  for (const std::string& line : lines_of(read_file(WARPLINE_SOURCE_DIR "/tests/native/sanitizer-set.txt"))) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string program, test;
    words >> program >> test;
    ASSERT_EQ(program.rfind("device_", 0), 0u) << line;
    const std::string source = WARPLINE_SOURCE_DIR "/tests/native/" + program.substr(7) + ".cpp";
    const size_t dot = test.find('.');
    ASSERT_NE(dot, std::string::npos) << line;
    EXPECT_NE(read_file(source).find("(" + test.substr(0, dot) + ", " + test.substr(dot + 1) + ")"),
              std::string::npos)
        << line;
    ++named;
  }
  EXPECT_GE(named, 8);
}

TEST_F(GpuCheck, PackSaysWhatItHoldsAndFailsWhereItIsTooMuch) {
  const std::string pack = "tools/gpu-pack --no-managed --output '" + (folder_ / "pack").string() + "' ";
  const std::string output = run(pack);
  EXPECT_EQ(lines_of(output).back(), "0") << output;
  EXPECT_NE(output.find("googletest.tar.xz  GoogleTest's sources"), std::string::npos) << output;
  EXPECT_TRUE(fs::exists(folder_ / "pack/MANIFEST"));
  EXPECT_NE(
      output_of("tar -tf '" + (folder_ / "pack/googletest.tar.xz").string() + "'").find("src/gtest-all.cc"),
      std::string::npos);
  const std::string refused = run(pack + "--largest-mib 0");
  EXPECT_EQ(lines_of(refused).back(), "1") << refused;
  EXPECT_NE(refused.find("must be at most 0 MiB"), std::string::npos) << refused;
}

// bench/peers lays the structs out by itself: as C does, field by field.
TEST_F(GpuCheck, PeersSeeTheStructsAsCDoes) {
  if (!has_program("python3")) GTEST_SKIP() << "no python3";
  const std::string in_c = output_of("'" WARPLINE_ABI_LAYOUT "'");
  const std::vector<std::string> lines =
      lines_of(output_of("python3 -B '" WARPLINE_SOURCE_DIR "/bench/peers/warpline.py'"));
  EXPECT_GT(lines.size(), 70u);
  for (const std::string& line : lines) EXPECT_NE(in_c.find(line + "\n"), std::string::npos) << line;
}

}  // namespace
}  // namespace wl::test
