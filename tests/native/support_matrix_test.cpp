// docs/support-matrix.md says what the library answers.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "support/headers.h"

namespace wl::test {
namespace {

TEST(SupportMatrix, IsWhatTheLibraryAnswers) {
  const std::string program = WARPLINE_SUPPORT_MATRIX;
  if (program.empty()) GTEST_SKIP() << "this build has no emulated CUDA library";
  std::ifstream file(WARPLINE_SOURCE_DIR "/docs/support-matrix.md");
  std::stringstream committed;
  committed << file.rdbuf();
  EXPECT_EQ(output_of("'" + program + "' 2>&1"), committed.str())
      << "cmake --build build/cpu --target support_matrix rewrites it";
}

}  // namespace
}  // namespace wl::test
