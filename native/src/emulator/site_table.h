// Counts of how often each synchronising call site ran.
#pragma once

#include <vector>

#include "emulator/launch.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

class SiteTable {
 public:
  void count(Site site, const char* operation, bool can_weaken, uint64_t times = 1) {
    if (entries_.empty()) entries_.resize(64);
    for (size_t i = hash(site);; ++i) {
      SiteCount& entry = entries_[i & (entries_.size() - 1)];
      if (entry.operation == nullptr) {
        entry = {site, operation, can_weaken, 0};
        if (++used_ * 2 > entries_.size()) {
          grow();
          return count(site, operation, can_weaken, times);
        }
      }
      if (entry.site.file == site.file && entry.site.line == site.line && entry.operation == operation) {
        entry.executed += times;
        return;
      }
    }
  }
  void add(const SiteTable& other) {
    for (const SiteCount& entry : other.entries_) {
      if (entry.operation) count(entry.site, entry.operation, entry.can_weaken, entry.executed);
    }
  }
  std::vector<SiteCount> list() const {
    std::vector<SiteCount> sites;
    for (const SiteCount& entry : entries_) {
      if (entry.operation) sites.push_back(entry);
    }
    return sites;
  }
  void clear() {
    entries_.clear();
    used_ = 0;
  }

 private:
  static size_t hash(Site site) {
    return reinterpret_cast<uintptr_t>(site.file) / 16 + static_cast<size_t>(site.line) * 7;
  }
  void grow() {
    std::vector<SiteCount> old(entries_.size() * 2);
    old.swap(entries_);
    used_ = 0;
    for (const SiteCount& entry : old) {
      if (entry.operation) count(entry.site, entry.operation, entry.can_weaken, entry.executed);
    }
  }
  std::vector<SiteCount> entries_;  // open addressing, a power of two
  size_t used_ = 0;
};

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
