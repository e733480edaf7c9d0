// Races, bounds and lifetime of global memory (checked build): accesses are ordered by block, thread, launch and
// stream. One grid runs at a time; the host's calls wait for its end.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "emulator/block.h"
#include "emulator/shadow.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

struct GlobalAccess {
  uint32_t launch = 0;  // 0: none
  uint32_t block = 0;
  uint32_t clock = 0;  // of the thread; of the block's full barriers where many threads
  uint32_t thread : 10 = 0, site : 15 = 0;
  uint32_t is_strong : 1 = 0, block_scope : 1 = 0, splits : 1 = 0, lists : 1 = 0;
  uint32_t many_threads : 1 = 0, many_blocks : 1 = 0;  // stands for several readers

  bool present() const { return launch != 0; }
  bool pending() const { return false; }
  bool strong() const { return is_strong; }
  void make_weak() { is_strong = 0; }
  bool is_split() const { return splits; }
  bool is_list() const { return lists; }
  uint32_t list() const { return clock; }
  void make_split() { splits = 1; }
  void set_list(uint32_t index) { clock = index; }
  void make_list(uint32_t index) {
    lists = 1;
    launch = ~0u;
    clock = index;
  }
};

class GlobalShadow {
 public:
  static GlobalShadow& instance();
  std::mutex mutex;  // held while a grid runs, and by the host's calls

  void allocated(uintptr_t address, uint64_t bytes);
  void freed(uintptr_t address);
  // A copy or a fill.
  void host_access(uintptr_t address, uint64_t bytes, bool write, const LaunchOrder& order, const char* what);

  void begin_grid(const Grid& grid);
  // Ends the grid where the bytes are no live memory.
  void access(Thread& thread, uintptr_t address, uint32_t bytes, bool write, bool atomic, Order order,
              Scope scope, Site site);

  struct Launch {
    uint32_t stream;
    uint64_t number;
    std::string name;
  };
  const Launch& launch(uint32_t index) const { return launches_[index]; }
  uint32_t current_launch() const { return current_; }
  // Whether all of the launch comes before an access of the running grid by a thread that has (not) waited for its
  // predecessor.
  bool launch_before(uint32_t earlier, bool predecessor_done) const;
  // "byte 128 of 4096 from 0x7f..."
  std::string place(uintptr_t address) const;

 private:
  static constexpr uint64_t kPageBytes = 4096;
  using Table = Shadow<GlobalAccess, 2, 8>;
  static constexpr uint64_t kLines = kPageBytes / Table::kLineBytes;
  struct Page {
    Table::Cell lines[kLines];
  };

  uint32_t add_launch(const LaunchOrder& order, const char* name);
  Page& page_of(uintptr_t address);
  // Calls visit(line, offset, bytes) for the lines of a range.
  template <class Visit>
  void for_lines(uintptr_t address, uint64_t bytes, const Visit& visit);
  const std::pair<const uintptr_t, uint64_t>* allocation_of(uintptr_t address) const;

  Table table_;
  std::unordered_map<uintptr_t, std::unique_ptr<Page>> pages_;
  std::map<uintptr_t, uint64_t> live_, freed_;
  std::vector<Launch> launches_{1};
  LaunchOrder order_;                                       // of the running grid
  bool dependent_ = false;                                  // ... which may overlap with its predecessor
  uint32_t current_ = 0;                                    // ... its number in launches_
  std::unordered_map<uint32_t, uint64_t> complete_before_;  // by stream: done when its last launch began
  // The latest page and allocation of an access.
  struct CachedPage {
    uintptr_t number = 0;
    Page* page = nullptr;
  };
  static constexpr size_t kCachedPages = 256;
  CachedPage cached_[kCachedPages];
  mutable const std::pair<const uintptr_t, uint64_t>* last_allocation_ = nullptr;
};

// Releases and acquires through words of global memory; forgotten between grids.
void forget_releases();
void ordered_read(Thread& thread, uintptr_t address, Order order, Scope scope);
void ordered_write(Thread& thread, uintptr_t address, Order order, Scope scope, bool read_modify_write);
void ordered_fence(Thread& thread, Scope scope);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
