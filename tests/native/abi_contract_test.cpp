// The shared library and the headers agree: exported names, the C library that is needed, documentation,
// layout of the structs.
#include <gtest/gtest.h>
#include <warpline/warpline.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "support/headers.h"

namespace wl::test {
namespace {

TEST(Abi, TheLibraryExportsExactlyTheDeclaredNames) {
  if (!has_program("nm")) GTEST_SKIP() << "nm is not installed";
  std::set<std::string> declared, exported;
  for (const Declaration& d : declared_functions()) declared.insert(d.name);
  ASSERT_GE(declared.size(), 50u);
  for (const std::string& line : lines_of(output_of("nm -D --defined-only " WARPLINE_LIBRARY_FILE))) {
    std::string name = line.substr(line.rfind(' ') + 1);
    const size_t version = name.find('@');
    // The version node itself is an absolute symbol.
    if (version == std::string::npos && name == "WARPLINE_1") continue;
    EXPECT_EQ(name.substr(version == std::string::npos ? name.size() : version), "@@WARPLINE_1") << name;
    exported.insert(name.substr(0, version));
  }
  EXPECT_EQ(exported, declared);
}

TEST(Abi, Glibc234IsEnough) {
  if (!has_program("objdump")) GTEST_SKIP() << "objdump is not installed";
  const std::string system = output_of(". /etc/os-release && echo $ID $VERSION_ID");
  if (system != "debian 12\n")
    GTEST_SKIP() << "the ceiling holds for builds on Debian 12; this is " << system;
  const int needed = needed_glibc(WARPLINE_LIBRARY_FILE);
  EXPECT_GT(needed, 0);
  EXPECT_LE(needed, 34);
  std::string tbb =
      output_of("ldd " WARPLINE_LIBRARY_FILE " | sed -n 's/.*libtbb.so.12 => \\([^ ]*\\).*/\\1/p'");
  ASSERT_FALSE(tbb.empty());
  tbb.pop_back();  // newline
  EXPECT_GT(needed_glibc(tbb), 0) << tbb;
  EXPECT_LE(needed_glibc(tbb), 34) << tbb;
}

TEST(Abi, EveryFunctionIsDocumentedInTheEightWays) {
  for (const Declaration& d : declared_functions()) {
    EXPECT_FALSE(d.comment.empty()) << d.header << ": " << d.name << " has no comment on the line above";
    // Line breaks are the formatter's.
    std::string text;
    for (const char c : d.comment) text += c == '\n' || c == '*' ? ' ' : c;
    size_t previous = 0;
    for (const char* part :
         {"Shapes:", "Types:", "Units:", "Alignment:", "Threads:", "Determinism:", "Errors:", "Reference:"}) {
      const size_t at = text.find(std::string(" ") + part);
      ASSERT_NE(at, std::string::npos) << d.header << ": " << d.name << " lacks " << part;
      EXPECT_GT(at, previous) << d.header << ": " << d.name << ", order of " << part;
      const size_t content = text.find_first_not_of(' ', at + 1 + std::string(part).size());
      EXPECT_TRUE(content != std::string::npos && text[content] != '/')
          << d.name << ": " << part << " is empty";
      previous = at;
    }
  }
}

TEST(Abi, ThePrintedLayoutIsCompleteAndWithoutHoles) {
  const std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "abi_layout";
  std::vector<DeclaredStruct> printed;
  std::map<std::string, size_t> sizes, ends;
  for (const std::string& line : lines_of(output_of("'" + program.string() + "'"))) {
    std::istringstream parts(line);
    std::string name, field;
    size_t offset = 0, size = 0;
    ASSERT_TRUE(parts >> name >> field >> offset >> size) << line;
    if (field == ".") {
      printed.push_back({name, {}});
      sizes[name] = size;
    } else {
      ASSERT_FALSE(printed.empty());
      EXPECT_EQ(printed.back().name, name);
      EXPECT_EQ(offset, ends[name]) << name << "." << field << ": padding before it has no name";
      ends[name] = offset + size;
      printed.back().fields.push_back(field);
    }
  }
  std::map<std::string, std::vector<std::string>> expected, got;
  for (const DeclaredStruct& s : declared_structs()) expected[s.name] = s.fields;
  for (const DeclaredStruct& s : printed) got[s.name] = s.fields;
  EXPECT_GE(expected.size(), 14u);
  EXPECT_EQ(got, expected);
  EXPECT_EQ(ends, sizes) << "padding at the end";
  EXPECT_EQ(sizes["wl_tensor"], 128u);
}

}  // namespace
}  // namespace wl::test
