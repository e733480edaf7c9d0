// Races, bounds and uninitialised or unfinished bytes of a block's shared memory (checked build).
#pragma once

#include "emulator/clocks.h"
#include "emulator/shadow.h"
#include "emulator/site.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

struct Thread;

struct SharedAccess {
  uint32_t clock = 0;
  uint32_t thread : 11 = 0, site : 15 = 0;
  uint32_t is_present : 1 = 0, is_pending : 1 = 0, is_atomic : 1 = 0, is_async : 1 = 0, splits : 1 = 0,
                        lists : 1 = 0;

  bool present() const { return is_present; }
  bool pending() const { return is_pending; }
  bool strong() const { return is_atomic; }
  void make_weak() { is_atomic = 0; }
  bool is_split() const { return splits; }
  bool is_list() const { return lists; }
  uint32_t list() const { return clock; }
  void make_split() { splits = 1; }
  void set_list(uint32_t index) { clock = index; }
  void make_list(uint32_t index) {
    lists = is_present = 1;
    clock = index;
  }
};

class SharedShadow {
 public:
  // kCopy: by cp.async, kTensorCopy: by a bulk copy, both under way until completed; kProxyRead: by wgmma.
  enum class Kind : uint8_t { kRead, kWrite, kAtomic, kCopy, kTensorCopy, kProxyRead };
  void reset(uint32_t bytes);
  void access(Thread& thread, uint32_t address, uint32_t bytes, Kind kind, Site site);
  // The thread has waited for its copy.
  void completed(Thread& thread, uint32_t address, uint32_t bytes);
  // A bulk copy issued by `thread` at `clock` has arrived.
  void copied(uint32_t address, uint32_t bytes, uint32_t thread, uint32_t clock);

 private:
  using Table = Shadow<SharedAccess, 4, 0>;
  Table table_;
  std::vector<Table::Cell> lines_;
};

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
