#include "emulator/site_index.h"

#include <map>
#include <utility>
#include <vector>

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

std::vector<Site>& all_sites() {
  static std::vector<Site> sites(1);  // 0: unknown
  return sites;
}

}  // namespace

uint32_t new_site_index(Site site) {
  static std::map<std::pair<const char*, int>, uint32_t> indices;
  const auto [entry, is_new] = indices.try_emplace({site.file, site.line}, 0);
  if (is_new && all_sites().size() < kMostSites) {
    entry->second = static_cast<uint32_t>(all_sites().size());
    all_sites().push_back(site);
  }
  return entry->second;
}

Site site_at(uint32_t index) { return all_sites()[index]; }

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
