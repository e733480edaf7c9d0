#include "support/headers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace wl::test {
namespace {

std::vector<std::filesystem::path> headers() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(WARPLINE_SOURCE_DIR "/native/include/warpline")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  EXPECT_GE(paths.size(), 7u);
  return paths;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string without_comments(std::string text) {
  for (size_t begin; (begin = text.find("/*")) != std::string::npos;) {
    const size_t end = text.find("*/", begin);
    text.erase(begin, end == std::string::npos ? end : end + 2 - begin);
  }
  return text;
}

}  // namespace

std::vector<Declaration> declared_functions() {
  std::vector<Declaration> result;
  for (const auto& path : headers()) {
    const std::string text = read(path);
    for (size_t at = 0; (at = text.find("\nWL_API ", at)) != std::string::npos; ++at) {
      const size_t open = text.find('(', at);
      const size_t name = text.find_last_of(" *", open) + 1;
      // The comment must end on the line above.
      const bool commented = at >= 2 && text.compare(at - 2, 2, "*/") == 0;
      const size_t begin = text.rfind("/*", at);
      result.push_back(
          {path.filename(), commented ? text.substr(begin, at - begin) : "", text.substr(name, open - name)});
    }
  }
  return result;
}

std::vector<DeclaredStruct> declared_structs() {
  // By hand: std::regex does not compile without warnings under g++ 12's sanitizers.
  const std::string start = "typedef struct ";
  std::vector<DeclaredStruct> result;
  for (const auto& path : headers()) {
    const std::string text = without_comments(read(path));
    for (size_t at = 0; (at = text.find(start, at)) != std::string::npos; ++at) {
      const size_t name = at + start.size(), open = text.find(" {", name), close = text.find('}', open);
      DeclaredStruct declared{text.substr(name, open - name), {}};
      std::istringstream body(text.substr(open + 2, close - open - 2));
      for (std::string field; std::getline(body, field, ';');) {
        field = field.substr(0, field.find('['));
        const size_t end = field.find_last_not_of(" \n");
        if (end == std::string::npos) continue;  // after the last field
        const size_t begin = field.find_last_of(" \n*", end);
        declared.fields.push_back(field.substr(begin + 1, end - begin));
      }
      result.push_back(declared);
    }
  }
  return result;
}

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, n);
  pclose(pipe);
  return output;
}

bool has_program(const std::string& name) { return !output_of("command -v " + name).empty(); }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

int needed_glibc(const std::string& library) {
  int largest = 0;
  const std::string symbols = output_of("objdump -T '" + library + "'");
  for (size_t at = 0; (at = symbols.find("GLIBC_2.", at)) != std::string::npos; ++at)
    largest = std::max(largest, std::atoi(symbols.c_str() + at + 8));
  return largest;
}

}  // namespace wl::test
