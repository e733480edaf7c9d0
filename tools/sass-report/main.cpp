// sass-report: reads the machine code of all kernels of a library, writes a table of it and holds it to gates.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include "gates.h"

namespace wl::sass {
namespace {

constexpr const char* kUsage =
    "usage: sass-report (--cuobjdump PROGRAM --library FILE | --listing FILE) [--compiler TEXT] [--gates "
    "FILE] [--output FILE]\n"
    "  --listing    what cuobjdump -sass -res-usage wrote, instead of a library\n"
    "  --compiler   what the table says compiled the kernels\n"
    "  --gates      what the kernels must hold; the exit status is 1 if they do not\n"
    "  --output     where the table goes; else to the standard output\n";

struct Options {
  std::string cuobjdump, library, listing, compiler = "an unnamed compiler", gates, output;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    std::string* value = name == "--cuobjdump"  ? &options.cuobjdump
                         : name == "--library"  ? &options.library
                         : name == "--listing"  ? &options.listing
                         : name == "--compiler" ? &options.compiler
                         : name == "--gates"    ? &options.gates
                         : name == "--output"   ? &options.output
                                                : nullptr;
    if (!value || i + 1 == argc) throw std::invalid_argument(name);
    *value = argv[i + 1];
  }
  if (options.listing.empty() == (options.cuobjdump.empty() || options.library.empty()))
    throw std::invalid_argument("either a listing, or a library and cuobjdump, must be given");
  return options;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::vector<Kernel> dump(const Options& options) {
  const std::string command = quoted(options.cuobjdump) + " -sass -res-usage " + quoted(options.library);
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run " + command);
  ListingReader reader;
  std::string line, problem;
  for (int c; (c = std::fgetc(pipe)) != EOF;) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    // All of it is read even then, so that cuobjdump ends by itself.
    try {
      if (problem.empty()) reader.line(line);
    } catch (const std::runtime_error& error) {
      problem = error.what();
    }
    line.clear();
  }
  if (pclose(pipe) != 0) throw std::runtime_error(command + " failed");
  if (!problem.empty()) throw std::runtime_error(problem);
  return reader.finish();
}

std::ifstream opened(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return file;
}

std::vector<Kernel> read(const std::string& listing) {
  std::ifstream file = opened(listing);
  ListingReader reader;
  for (std::string line; std::getline(file, line);) reader.line(line);
  return reader.finish();
}

int run(const Options& options) {
  const std::vector<Kernel> kernels = options.listing.empty() ? dump(options) : read(options.listing);
  if (kernels.empty()) throw std::runtime_error("no kernel found");
  const std::vector<Figures> figures = figures_of(kernels);
  const std::string table = markdown(figures, options.compiler);
  if (options.output.empty()) {
    std::cout << table;
  } else if (std::ofstream file(options.output); !(file << table).flush()) {
    throw std::runtime_error("cannot write " + options.output);
  }
  if (options.gates.empty()) return 0;
  std::ifstream file = opened(options.gates);
  const std::vector<std::string> problems = violations(figures, read_gates(file));
  for (const std::string& problem : problems) std::cerr << problem << "\n";
  return problems.empty() ? 0 : 1;
}

}  // namespace
}  // namespace wl::sass

int main(int argc, char** argv) {
  try {
    return wl::sass::run(wl::sass::parse(argc, argv));
  } catch (const std::invalid_argument& error) {
    std::cerr << "sass-report: " << error.what() << "\n" << wl::sass::kUsage;
  } catch (const std::exception& error) {
    std::cerr << "sass-report: " << error.what() << "\n";
  }
  return 2;
}
