// The entry points of libFuzzer: `abi_fuzz --target=NAME CORPUS...`.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/targets.h"

namespace {

const wl::fuzz::Target* target = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr const char* kOption = "--target=";
  for (int i = 1; i < *argc; ++i) {
    if (std::strncmp((*argv)[i], kOption, std::strlen(kOption)) != 0) continue;
    for (const wl::fuzz::Target& t : wl::fuzz::targets()) {
      if (std::strcmp((*argv)[i] + std::strlen(kOption), t.name) == 0) target = &t;
    }
  }
  if (target != nullptr) return 0;
  std::fprintf(stderr, "--target= needs one of:");
  for (const wl::fuzz::Target& t : wl::fuzz::targets()) std::fprintf(stderr, " %s", t.name);
  std::fprintf(stderr, "\n");
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string fault = target->run(data, size);
  if (fault.empty()) return 0;
  std::fprintf(stderr, "%s: %s\n", target->name, fault.c_str());
  std::abort();
}
