// Call sites as small numbers, for the checked build's records. One grid runs at a time there: no lock.
#pragma once

#include <cstdint>

#include "emulator/site.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

constexpr uint32_t kMostSites = 1u << 15;

uint32_t new_site_index(Site site);
Site site_at(uint32_t index);

inline uint32_t site_index(Site site) {
  struct Entry {
    Site site;
    uint32_t index;
  };
  static Entry cache[1024];
  Entry& entry =
      cache[(reinterpret_cast<uintptr_t>(site.file) / 8 + static_cast<uintptr_t>(site.line) * 37) & 1023];
  if (entry.site.file != site.file || entry.site.line != site.line) entry = {site, new_site_index(site)};
  return entry.index;
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
