// The CUDA library as a file: the names that it exports, what it needs of the machine, its machine code. Nothing here
// needs a GPU or a driver.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <warpline/core.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/headers.h"

namespace wl::test {
namespace {

// Where it was not built configure says why (WARPLINE_CUDA_REASON). CI demands it where a toolkit can be had.
class CudaLibrary : public testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the CUDA library is not built with sanitizers";
#endif
    const std::string reason = WARPLINE_CUDA_REASON;
    if (reason.empty()) return;
    ASSERT_EQ(std::getenv("WARPLINE_CUDA_REQUIRED"), nullptr) << "no CUDA library: " << reason;
    GTEST_SKIP() << "no CUDA library: " << reason;
  }
};

// "NAME@@VERSION" of all that a library defines.
std::vector<std::string> exports_of(const std::string& library) {
  return lines_of(output_of("nm -D --defined-only --format=just-symbols '" + library + "' | LC_ALL=C sort"));
}

TEST_F(CudaLibrary, ExportsTheNamesOfTheCpuLibrary) {
  const std::vector<std::string> exported = exports_of(WARPLINE_CUDA_LIBRARY_FILE);
  EXPECT_GT(exported.size(), 30u);
  EXPECT_EQ(exported, exports_of(WARPLINE_LIBRARY_FILE));
}

TEST_F(CudaLibrary, NeedsNoLibraryOfNvidia) {
  const std::vector<std::string> entries =
      lines_of(output_of("readelf -dW '" WARPLINE_CUDA_LIBRARY_FILE "'"));
  int needed = 0;
  for (const std::string& entry : entries) {
    if (entry.find("(NEEDED)") == std::string::npos) continue;
    ++needed;
    EXPECT_EQ(entry.find("libcu"), std::string::npos) << entry;
    EXPECT_EQ(entry.find("libnv"), std::string::npos) << entry;
  }
  EXPECT_GT(needed, 2);
}

TEST_F(CudaLibrary, NeedsNoNewerGlibcThanTheCpuLibraryMay) {
  const int needed = needed_glibc(WARPLINE_CUDA_LIBRARY_FILE);
  EXPECT_GT(needed, 0);
  EXPECT_LE(needed, std::max(34, needed_glibc(WARPLINE_LIBRARY_FILE)));
}

TEST_F(CudaLibrary, LoadsAndSaysWhatIsMissing) {
  void* library = dlopen(WARPLINE_CUDA_LIBRARY_FILE, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto count = reinterpret_cast<decltype(&wl_device_count)>(dlsym(library, "wl_device_count"));
  const auto describe = reinterpret_cast<decltype(&wl_device_get_info)>(dlsym(library, "wl_device_get_info"));
  const auto error = reinterpret_cast<decltype(&wl_last_error)>(dlsym(library, "wl_last_error"));
  ASSERT_TRUE(count && describe && error);
  int32_t devices = -1;
  ASSERT_EQ(count(WL_DEVICE_CUDA, &devices), WL_STATUS_OK) << error();
  wl_device_info info = {};
  info.struct_size = sizeof info;
  const wl_status status = describe(WL_DEVICE_CUDA, 0, &info);
  if (dlopen("libcuda.so.1", RTLD_LAZY)) {
    EXPECT_EQ(status == WL_STATUS_NO_DEVICE, devices == 0) << error();
  } else {
    EXPECT_EQ(devices, 0);
    EXPECT_EQ(status, WL_STATUS_NO_DEVICE);
    EXPECT_NE(std::string(error()).find("driver"), std::string::npos) << error();
  }
}

TEST_F(CudaLibrary, MachineCodeHoldsTheGates) {
  const std::string command =
      "'" WARPLINE_SASS_REPORT "' --cuobjdump '" WARPLINE_CUOBJDUMP "' --library '" WARPLINE_CUDA_LIBRARY_FILE
      "' --gates '" WARPLINE_SOURCE_DIR "/tests/native/sass-gates.txt' --output /dev/null";
  EXPECT_EQ(output_of(command + " 2>&1; echo $?"), "0\n");
}

// The committed table is of this source, where the compiler is the one that it names.
TEST_F(CudaLibrary, MachineCodeIsWhatTheDocsSay) {
  std::ifstream file(WARPLINE_SOURCE_DIR "/docs/kernels/sass.md");
  std::stringstream committed;
  committed << file.rdbuf();
  if (committed.str().find("Compiled by " WARPLINE_CUDA_COMPILER ".") == std::string::npos)
    GTEST_SKIP() << "docs/kernels/sass.md is of another compiler than " WARPLINE_CUDA_COMPILER;
  std::stringstream built;
  built << std::ifstream(WARPLINE_SASS_TABLE).rdbuf();
  ASSERT_NE(built.str(), "") << WARPLINE_SASS_TABLE;
  EXPECT_TRUE(built.str() == committed.str()) << "cmake --build build/cpu --target sass_docs rewrites it";
}

}  // namespace
}  // namespace wl::test
