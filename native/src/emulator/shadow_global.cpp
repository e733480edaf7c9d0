#include "emulator/shadow_global.h"

#include <algorithm>
#include <cstdio>

#include "emulator/checks.h"
#include "emulator/report.h"
#include "emulator/scheduler.h"
#include "emulator/site_index.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

std::string hexadecimal(uintptr_t address) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
  return text;
}

// An access by a thread of the running grid, or (thread null) by the host.
struct Context {
  GlobalAccess now;
  bool reads;
  bool writes;
  const Thread* thread;
  const GlobalShadow& shadow;
  uintptr_t address;
  Site site;
  const char* name;
  bool repeated = false;  // the host reports a range once

  const BlockClocks& clocks() const { return thread->block->checks->clocks; }
  const KnowledgePointer& known() const { return clocks().causality(now.thread).known; }

  bool same_thread(const GlobalAccess& old) const {
    return old.launch == now.launch && old.block == now.block && old.thread == now.thread &&
           !old.many_threads && !old.many_blocks;
  }
  bool both_strong(const GlobalAccess& old) const {
    if (!old.is_strong || !now.is_strong) return false;
    return (!old.block_scope && !now.block_scope) || (old.launch == now.launch && old.block == now.block);
  }
  bool before(const GlobalAccess& old) const {
    if (old.launch != now.launch) {
      return shadow.launch_before(old.launch,
                                  thread == nullptr || clocks().causality(now.thread).predecessor_done);
    }
    if (thread == nullptr) return true;
    if (old.many_blocks) return false;
    if (old.block == now.block) {
      return old.many_threads ? clocks().full_barriers > old.clock
                              : clocks().before(now.thread, old.thread, old.clock);
    }
    if (old.many_threads) return false;
    const Clock* clock = clock_of(known(), old.block);
    return clock != nullptr && (*clock)[old.thread] >= old.clock;
  }
  // Of many readers it is not known whether each is ordered; a race is certain where there was no acquire at all.
  bool may_be_before(const GlobalAccess& old) const {
    if (before(old)) return true;
    if (old.launch != now.launch || thread == nullptr) return false;
    if (old.many_blocks) return known() != nullptr;
    if (!old.many_threads) return false;
    return old.block == now.block || clock_of(known(), old.block) != nullptr;
  }
  GlobalAccess summary(const std::vector<GlobalAccess>& readers) const {
    GlobalAccess all = now;
    all.many_threads = 1;
    all.clock = thread ? clocks().full_barriers : 0;
    for (const GlobalAccess& reader : readers) {
      if (reader.launch != now.launch) continue;
      if (reader.many_blocks || reader.block != now.block) all.many_blocks = 1;
      if (!reader.is_strong) all.is_strong = 0;
    }
    return all;
  }

  void report(const char* kind, const std::string& text, const GlobalAccess* old) {
    if (thread) {
      if (first_time(kind, site, old ? site_at(old->site) : Site{})) find(kind, text, site);
    } else if (!repeated) {
      repeated = true;
      add_finding(kind, std::string(name) + ": " + text);
    }
  }
  std::string what() const { return std::string(writes ? "writes " : "reads ") + shadow.place(address); }
  void race(const GlobalAccess& old, bool earlier_writes) {
    const GlobalShadow::Launch& launch = shadow.launch(old.launch);
    std::string other = launch.name + " (stream " + std::to_string(launch.stream) + " launch " +
                        std::to_string(launch.number) + ")";
    if (old.site != 0) {
      other += old.many_blocks ? ", many blocks, one of them" : "";
      other += " block " + std::to_string(old.block) + " thread " + std::to_string(old.thread) + " at " +
               describe(site_at(old.site));
    }
    report("race", what() + " with no order to the " + (earlier_writes ? "write" : "read") + " by " + other,
           &old);
  }
  void pending(const GlobalAccess&) {}
  void see(const GlobalAccess&) {}
  void uninitialised() { report("uninitialised read", what() + ", which nobody has written", nullptr); }
};

}  // namespace

GlobalShadow& GlobalShadow::instance() {
  static GlobalShadow shadow;
  return shadow;
}

GlobalShadow::Page& GlobalShadow::page_of(uintptr_t address) {
  const uintptr_t number = address / kPageBytes;
  CachedPage& cached = cached_[number % kCachedPages];
  if (cached.page == nullptr || cached.number != number) {
    std::unique_ptr<Page>& page = pages_[number];
    if (!page) page = std::make_unique<Page>();
    cached = {number, page.get()};
  }
  return *cached.page;
}

template <class Visit>
void GlobalShadow::for_lines(uintptr_t address, uint64_t bytes, const Visit& visit) {
  while (bytes > 0) {
    const uint32_t offset = static_cast<uint32_t>(address % Table::kLineBytes);
    const uint32_t part = static_cast<uint32_t>(std::min<uint64_t>(bytes, Table::kLineBytes - offset));
    visit(page_of(address).lines[address % kPageBytes / Table::kLineBytes], offset, part, address);
    address += part;
    bytes -= part;
  }
}

void GlobalShadow::allocated(uintptr_t address, uint64_t bytes) {
  // What was freed there is forgotten.
  auto old = freed_.lower_bound(address);
  if (old != freed_.begin() && std::prev(old)->first + std::prev(old)->second > address) --old;
  while (old != freed_.end() && old->first < address + bytes) old = freed_.erase(old);
  live_[address] = bytes;
  last_allocation_ = nullptr;
}

void GlobalShadow::freed(uintptr_t address) {
  const auto allocation = live_.find(address);
  if (allocation == live_.end()) {
    add_finding("bad free", "no live memory begins at " + hexadecimal(address));
    return;
  }
  // Only pages that were accessed have records.
  const uintptr_t end = address + allocation->second;
  for (uintptr_t at = address; at < end;) {
    const uintptr_t stop = std::min(end, (at / kPageBytes + 1) * kPageBytes);
    if (pages_.count(at / kPageBytes)) {
      for_lines(at, stop - at, [this](Table::Cell& line, uint32_t offset, uint32_t part, uintptr_t) {
        table_.forget(line, offset, part);
      });
      if (stop - at == kPageBytes) {
        pages_.erase(at / kPageBytes);
        cached_[at / kPageBytes % kCachedPages] = {};
      }
    }
    at = stop;
  }
  freed_[address] = allocation->second;
  live_.erase(allocation);
  last_allocation_ = nullptr;
}

const std::pair<const uintptr_t, uint64_t>* GlobalShadow::allocation_of(uintptr_t address) const {
  const auto contains = [&](const auto& allocation) {
    return address >= allocation.first && address - allocation.first < allocation.second;
  };
  if (last_allocation_ && contains(*last_allocation_)) return last_allocation_;
  auto next = live_.upper_bound(address);
  if (next == live_.begin() || !contains(*--next)) return nullptr;
  return last_allocation_ = &*next;
}

std::string GlobalShadow::place(uintptr_t address) const {
  const auto* allocation = allocation_of(address);
  if (!allocation) return hexadecimal(address);
  return "byte " + std::to_string(address - allocation->first) + " of the " +
         std::to_string(allocation->second) + " bytes at " + hexadecimal(allocation->first);
}

uint32_t GlobalShadow::add_launch(const LaunchOrder& order, const char* name) {
  launches_.push_back({order.stream, order.number, name});
  order_ = order;
  return current_ = static_cast<uint32_t>(launches_.size() - 1);
}

bool GlobalShadow::launch_before(uint32_t earlier, bool predecessor_done) const {
  const Launch& old = launches_[earlier];
  if (old.number == 0) return true;
  uint64_t limit = old.stream < order_.after.size() ? order_.after[old.stream] : 0;
  if (old.stream == order_.stream) {
    if (dependent_ && !predecessor_done) {
      limit = complete_before_.at(old.stream);
    } else {
      limit = std::max(limit, order_.number - 1);
    }
  }
  return old.number <= limit;
}

void GlobalShadow::begin_grid(const Grid& grid) {
  add_launch(grid.order, grid.name);
  dependent_ = grid.shape.dependent;
  // A launch that may overlap with its predecessor may overlap with all that the predecessor overlaps with.
  uint64_t& complete = complete_before_[grid.order.stream];
  if (!dependent_) complete = grid.order.number == 0 ? 0 : grid.order.number - 1;
  forget_releases();
}

void GlobalShadow::host_access(uintptr_t address, uint64_t bytes, bool write, const LaunchOrder& order,
                               const char* what) {
  if (bytes == 0) return;
  const uint32_t launch = add_launch(order, what);
  dependent_ = false;
  complete_before_[order.stream] = order.number == 0 ? 0 : order.number - 1;
  const auto* allocation = allocation_of(address);
  if (!allocation || bytes > allocation->first + allocation->second - address) {
    add_finding("out of bounds",
                std::string(what) + " of " + std::to_string(bytes) + " bytes at " + place(address));
    return;
  }
  Context context{{}, !write, write, nullptr, *this, address, {}, what};
  context.now.launch = launch;
  for_lines(address, bytes, [&](Table::Cell& line, uint32_t offset, uint32_t part, uintptr_t at) {
    context.address = at;
    table_.access(line, offset, part, write, context);
  });
}

void GlobalShadow::access(Thread& thread, uintptr_t address, uint32_t bytes, bool write, bool atomic,
                          Order order, Scope scope, Site site) {
  const char* kind = write ? "write" : "read";
  const auto* allocation = allocation_of(address);
  if (!allocation || bytes > allocation->first + allocation->second - address) {
    const auto old = freed_.upper_bound(address);
    const bool was = old != freed_.begin() && address - std::prev(old)->first < std::prev(old)->second;
    std::string text = std::string(kind) + " of " + std::to_string(bytes) + " bytes at " + place(address);
    if (!allocation && !was) {
      const auto next = live_.upper_bound(address);
      if (next != live_.begin()) {
        const auto& near = *std::prev(next);
        text += ", " + std::to_string(address - near.first - near.second) + " past the end of " +
                std::to_string(near.second) + " bytes at " + hexadecimal(near.first);
      }
    }
    fail(was ? "use after free" : "out of bounds", text, site);
  }
  if (address % bytes != 0) {
    fail("misaligned", std::string(kind) + " of " + std::to_string(bytes) + " bytes at " + place(address),
         site);
  }
  const Block& block = *thread.block;
  Context context{{}, atomic || !write, write, &thread, *this, address, site, block.gang->grid->name};
  context.now.launch = current_;
  context.now.block = block.number;
  context.now.thread = thread.index;
  context.now.clock = context.clocks().now(thread.index);
  context.now.site = site_index(site);
  context.now.is_strong = order != Order::kWeak;
  context.now.block_scope = scope == Scope::kBlock;
  table_.access(page_of(address).lines[address % kPageBytes / Table::kLineBytes],
                static_cast<uint32_t>(address % Table::kLineBytes), bytes, write, context);
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
