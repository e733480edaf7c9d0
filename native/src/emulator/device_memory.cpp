// The host's side of the checks of global memory.
#include "emulator/checks.h"
#include "emulator/report.h"
#include "emulator/shadow_global.h"
#include "emulator/site_index.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

uintptr_t number(const void* address) { return reinterpret_cast<uintptr_t>(address); }

}  // namespace

void memory_allocated(const void* address, uint64_t bytes) {
  if constexpr (kChecked) {
    GlobalShadow& shadow = GlobalShadow::instance();
    const std::lock_guard lock(shadow.mutex);
    shadow.allocated(number(address), bytes);
  }
}

void memory_freed(const void* address) {
  if constexpr (kChecked) {
    GlobalShadow& shadow = GlobalShadow::instance();
    const std::lock_guard lock(shadow.mutex);
    shadow.freed(number(address));
  }
}

void memory_accessed(const void* address, uint64_t bytes, bool write, const LaunchOrder& order,
                     const char* what) {
  if constexpr (kChecked) {
    GlobalShadow& shadow = GlobalShadow::instance();
    const std::lock_guard lock(shadow.mutex);
    shadow.host_access(number(address), bytes, write, order, what);
  }
}

void count_traffic(Thread& thread, const char* operation, const uint32_t* shared_address,
                   const void* global_address, uint32_t bytes, Site site) {
  Block& block = *thread.block;
  block.checks->traffic.record(
      block.gang->traffic, thread.warp, thread.lane, block.warps[thread.warp].alive,
      {site_index(site), operation, shared_address != nullptr, global_address != nullptr,
       shared_address ? *shared_address : 0, number(global_address), bytes});
}

void check_global(const void* address, uint32_t bytes, bool write, Site site) {
  count_traffic(self(), write ? "st.global" : "ld.global", nullptr, address, bytes, site);
  GlobalShadow::instance().access(self(), number(address), bytes, write, false, Order::kWeak, Scope::kBlock,
                                  site);
}

void check_shared(uint32_t address, uint32_t bytes, bool write, Site site) {
  Thread& thread = self();
  count_traffic(thread, write ? "st.shared" : "ld.shared", &address, nullptr, bytes, site);
  thread.block->checks->shared.access(thread, address, bytes,
                                      write ? SharedShadow::Kind::kWrite : SharedShadow::Kind::kRead, site);
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
