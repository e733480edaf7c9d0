#include "emulator/shadow_shared.h"

#include <algorithm>

#include "emulator/checks.h"
#include "emulator/report.h"
#include "emulator/scheduler.h"
#include "emulator/site_index.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

struct Context {
  SharedAccess now;
  bool reads;
  bool by_proxy;
  Thread& thread;
  const BlockClocks& clocks;
  uint32_t address;
  Site site;

  // Asynchronous operations see what ordinary stores wrote only after fence.proxy.async.
  void see(const SharedAccess& old) {
    if (!by_proxy || old.is_async || clocks.proxy_fenced(old.thread, old.clock)) return;
    if (first_time("missing proxy fence", site, site_at(old.site))) {
      find("missing proxy fence", what() + " by wgmma, written without fence.proxy.async by " + other(old),
           site);
    }
  }
  bool same_thread(const SharedAccess& old) const { return old.thread == now.thread; }
  bool both_strong(const SharedAccess& old) const { return old.is_atomic && now.is_atomic; }
  bool before(const SharedAccess& old) const { return clocks.before(now.thread, old.thread, old.clock); }
  bool may_be_before(const SharedAccess& old) const { return before(old); }

  std::string what() const {
    const bool writes = !reads || now.is_atomic;
    return std::string(writes ? "writes" : "reads") + " shared address " + std::to_string(address);
  }
  std::string other(const SharedAccess& old) const {
    return "thread " + std::to_string(old.thread) + " at " + describe(site_at(old.site));
  }
  void race(const SharedAccess& old, bool earlier_writes) {
    if (first_time("race", site, site_at(old.site))) {
      find("race",
           what() + " with no order to the " + (earlier_writes ? "write" : "read") + " by " + other(old),
           site);
    }
  }
  void pending(const SharedAccess& old) {
    if (first_time("unfinished copy", site, site_at(old.site))) {
      find("unfinished copy",
           what() + ", the destination of an asynchronous copy for which has not been waited, by " +
               other(old),
           site);
    }
  }
  void uninitialised() {
    if (first_time("uninitialised read", site, {})) {
      find("uninitialised read", what() + ", which nobody has written", site);
    }
  }
  SharedAccess summary(const std::vector<SharedAccess>& readers) const { return readers.back(); }
};

}  // namespace

void SharedShadow::reset(uint32_t bytes) {
  table_.reset();
  lines_.assign((bytes + Table::kLineBytes - 1) / Table::kLineBytes, {});
}

void SharedShadow::access(Thread& thread, uint32_t address, uint32_t bytes, Kind kind, Site site) {
  const Block& block = *thread.block;
  if (address > block.shared_bytes || bytes > block.shared_bytes - address) {
    fail("out of bounds",
         "shared address " + std::to_string(address) + ", " + std::to_string(bytes) + " bytes, of " +
             std::to_string(block.shared_bytes),
         site);
  }
  if (address % bytes != 0) {
    fail("misaligned", "shared address " + std::to_string(address) + ", " + std::to_string(bytes) + " bytes",
         site);
  }
  const BlockClocks& clocks = block.checks->clocks;
  const bool writes = kind != Kind::kRead && kind != Kind::kProxyRead;
  Context context{{},  !writes || kind == Kind::kAtomic, kind == Kind::kProxyRead, thread, clocks, address,
                  site};
  context.now.clock = clocks.now(thread.index);
  context.now.thread = thread.index;
  context.now.site = site_index(site);
  context.now.is_present = 1;
  context.now.is_atomic = kind == Kind::kAtomic;
  context.now.is_pending = kind == Kind::kCopy || kind == Kind::kTensorCopy;
  context.now.is_async = kind == Kind::kTensorCopy;
  table_.access(lines_[address / Table::kLineBytes], address % Table::kLineBytes, bytes, writes, context);
}

void SharedShadow::copied(uint32_t address, uint32_t bytes, uint32_t thread, uint32_t clock) {
  table_.for_each(lines_[address / Table::kLineBytes], address % Table::kLineBytes, bytes,
                  [&](Table::Cell& cell) {
                    if (!cell.write.is_pending || cell.write.thread != thread || cell.write.clock != clock)
                      return;
                    cell.write.is_pending = 0;
                  });
}

void SharedShadow::completed(Thread& thread, uint32_t address, uint32_t bytes) {
  const uint32_t clock = thread.block->checks->clocks.now(thread.index);
  table_.for_each(lines_[address / Table::kLineBytes], address % Table::kLineBytes, bytes,
                  [&](Table::Cell& cell) {
                    // Another write to the same bytes has been reported.
                    if (!cell.write.is_pending || cell.write.thread != thread.index) return;
                    cell.write.is_pending = 0;
                    cell.write.clock = clock;
                  });
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
