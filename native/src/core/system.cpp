#include "core/system.h"

#include <cpuid.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <sched.h>
#include <unistd.h>
#endif

namespace wl {
namespace {

constexpr std::align_val_t kAlignment{256};

}  // namespace

int processor_count() {
#if defined(_WIN32)
  return static_cast<int>(std::max<DWORD>(1, GetActiveProcessorCount(ALL_PROCESSOR_GROUPS)));
#else
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return 1;  // More processors than the set holds: rare, and safe.
  return std::max(1, CPU_COUNT(&set));
#endif
}

uint64_t memory_bytes() {
#if defined(_WIN32)
  MEMORYSTATUSEX status{};
  status.dwLength = sizeof status;
  return GlobalMemoryStatusEx(&status) ? status.ullTotalPhys : 0;
#else
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && page > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) : 0;
#endif
}

std::string processor_name() {
  unsigned leaf[4] = {};
  if (!__get_cpuid(0x80000000u, &leaf[0], &leaf[1], &leaf[2], &leaf[3]) || leaf[0] < 0x80000004u) {
    return "x86-64 processor";
  }
  char name[49] = {};
  for (unsigned i = 0; i < 3; ++i) {
    __get_cpuid(0x80000002u + i, &leaf[0], &leaf[1], &leaf[2], &leaf[3]);
    std::memcpy(name + 16 * i, leaf, 16);
  }
  const std::string text = name;
  const size_t begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
  return begin == std::string::npos ? "x86-64 processor" : text.substr(begin, end - begin + 1);
}

void* aligned_allocate(uint64_t bytes) noexcept {
  if (bytes > PTRDIFF_MAX) return nullptr;
  return ::operator new(static_cast<size_t>(bytes), kAlignment, std::nothrow);
}

void aligned_free(void* memory) noexcept { ::operator delete(memory, kAlignment); }

}  // namespace wl
