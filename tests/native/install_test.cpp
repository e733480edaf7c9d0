// The installed library serves C programs: samples/c builds against it by CMake package and by pkg-config, and
// continues a prompt as the float64 reference does.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "support/headers.h"

namespace wl::test {
namespace {

namespace fs = std::filesystem;

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

std::string read(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Runs a command; its output is shown where it fails.
testing::AssertionResult runs(const std::string& command) {
  const std::string output = output_of("(" + command + ") 2>&1; echo exit $?");
  const size_t end = output.rfind("exit ");
  if (end != std::string::npos && output.substr(end) == "exit 0\n") return testing::AssertionSuccess();
  return testing::AssertionFailure() << command << "\n" << output;
}

// The numbers of the first list `"name": [...]` at or after `from`.
std::vector<std::string> list_of(const std::string& json, const std::string& name, size_t* from) {
  const size_t key = json.find("\"" + name + "\": [", *from);
  const size_t open = json.find('[', key), close = json.find(']', open);
  EXPECT_NE(close, std::string::npos);
  std::string text = json.substr(open + 1, close - open - 1);
  for (char& c : text) c = c == ',' ? ' ' : c;
  std::istringstream numbers(text);
  std::vector<std::string> result;
  for (std::string number; numbers >> number;) result.push_back(number);
  *from = close;
  return result;
}

class Install : public testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "a plain C program cannot load a library that is built with sanitizers";
#endif
    if (!has_program("cmake")) GTEST_SKIP() << "cmake is not installed";
    char name[] = "/tmp/warpline-install-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    const fs::path build = fs::read_symlink("/proc/self/exe").parent_path().parent_path();
    ASSERT_TRUE(runs("cmake --install " + quoted(build) + " --prefix " + quoted(prefix())));
  }
  void TearDown() override {
    if (!root_.empty()) fs::remove_all(root_);
  }

  fs::path prefix() const { return root_ / "prefix"; }
  // The folder of the installed library: lib, or a name of the distribution's.
  fs::path library_folder() const {
    for (const auto& entry : fs::recursive_directory_iterator(prefix())) {
      if (entry.path().filename() == "libwarpline.so") return entry.path().parent_path();
    }
    return {};
  }

  // The sample's first 8 tokens after the first prompt are those of the reference.
  void expect_story(const fs::path& program) {
    const fs::path model = WARPLINE_SOURCE_DIR "/samples/models/storyteller";
    const std::string expected = read(model / "expected.json");
    size_t at = 0;
    std::string ids, tokens;
    for (const std::string& id : list_of(expected, "ids", &at)) ids += " " + id;
    const std::vector<std::string> greedy = list_of(expected, "greedy", &at);
    ASSERT_GE(greedy.size(), 8u);
    for (size_t i = 0; i < 8; ++i) tokens += greedy[i] + (i == 7 ? "\n" : " ");
    EXPECT_EQ(output_of(quoted(program) + " " + quoted(model) + ids), tokens);
  }

  fs::path root_;
  const fs::path sample_ = WARPLINE_SOURCE_DIR "/samples/c";
};

TEST_F(Install, HoldsHeadersLibraryAndPackages) {
  for (const char* header : {"warpline", "core", "gemm", "attention", "kv_cache", "elementwise", "sampling"})
    EXPECT_TRUE(fs::exists(prefix() / "include/warpline" / (std::string(header) + ".h"))) << header;
  const fs::path folder = library_folder();
  ASSERT_FALSE(folder.empty());
  EXPECT_TRUE(fs::exists(folder / "cmake/warpline/warpline-config.cmake"));
  EXPECT_TRUE(fs::exists(folder / "cmake/warpline/warpline-config-version.cmake"));
  EXPECT_TRUE(fs::exists(folder / "pkgconfig/warpline.pc"));
}

TEST_F(Install, TheSampleBuildsByCMakePackage) {
  const fs::path build = root_ / "build";
  ASSERT_TRUE(runs("cmake -S " + quoted(sample_) + " -B " + quoted(build) +
                   " -DCMAKE_PREFIX_PATH=" + quoted(prefix()) + " && cmake --build " + quoted(build)));
  const fs::path program = build / "storyteller";
  expect_story(program);

  // What it refuses, it names.
  const std::string start = quoted(program) + " ";
  EXPECT_EQ(output_of(start + "/nowhere 1 2>&1; echo $?"),
            "storyteller: /nowhere/model.safetensors cannot be opened\n1\n");
  const std::string model = quoted(WARPLINE_SOURCE_DIR "/samples/models/storyteller");
  EXPECT_EQ(output_of(start + model + " 1x 2>&1; echo $?"), "storyteller: \"1x\" is not an id\n1\n");
  EXPECT_EQ(output_of(start + model + " 1024 2>&1; echo $?"),
            "storyteller: wl_embedding: ids[0] is 1024; must be at least 0 and below 1024, the rows of table "
            "(invalid argument)\n1\n");
  const fs::path cut = root_ / "cut";
  fs::create_directory(cut);
  fs::copy(WARPLINE_SOURCE_DIR "/samples/models/storyteller/config.json", cut / "config.json");
  const std::string weights = read(WARPLINE_SOURCE_DIR "/samples/models/storyteller/model.safetensors");
  std::ofstream(cut / "model.safetensors", std::ios::binary) << weights.substr(0, 2000000);
  EXPECT_EQ(output_of(start + quoted(cut) + " 1 2>&1; echo $?"),
            "storyteller: model.norm.weight leaves the file\n1\n");
  std::ofstream(cut / "model.safetensors", std::ios::binary) << weights.substr(0, 500);
  EXPECT_EQ(output_of(start + quoted(cut) + " 1 2>&1; echo $?"),
            "storyteller: model.safetensors: its header is longer than the file\n1\n");
}

TEST_F(Install, TheSampleBuildsByPkgConfig) {
  if (!has_program("pkg-config")) GTEST_SKIP() << "pkg-config is not installed";
  const fs::path program = root_ / "storyteller", folder = library_folder();
  ASSERT_FALSE(folder.empty());
  ASSERT_TRUE(runs("flags=$(PKG_CONFIG_PATH=" + quoted(folder / "pkgconfig") +
                   " pkg-config --cflags --libs warpline) && cc -std=c99 -Wall -Wextra -Werror " +
                   quoted(sample_ / "storyteller.c") + " $flags -Wl,-rpath," + quoted(folder) + " -o " +
                   quoted(program)));
  expect_story(program);
}

}  // namespace
}  // namespace wl::test
