// The public headers as text: what they declare, and how.
#pragma once

#include <string>
#include <vector>

namespace wl::test {

struct Declaration {
  std::string header;   // "core.h"
  std::string comment;  // the block before the declaration
  std::string name;     // "wl_norm"
};

// All functions marked WL_API, of all public headers.
std::vector<Declaration> declared_functions();

struct DeclaredStruct {
  std::string name;
  std::vector<std::string> fields;
};
std::vector<DeclaredStruct> declared_structs();

// What a command writes to its standard output; empty if it cannot be run.
std::string output_of(const std::string& command);
// Whether a program of this name can be run.
bool has_program(const std::string& name);
std::vector<std::string> lines_of(const std::string& text);
// The largest x of GLIBC_2.x that a shared library asks for; 0 if it asks for none.
int needed_glibc(const std::string& library);

}  // namespace wl::test
