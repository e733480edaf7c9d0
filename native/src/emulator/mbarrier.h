// mbarrier: barriers in shared memory that count arrivals and bytes of asynchronous copies.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "emulator/clocks.h"
#include "emulator/device.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

struct Block;
struct Gang;
struct Thread;

struct MemoryBarrier {
  uint32_t count = 0;    // arrivals of a phase
  uint32_t pending = 0;  // ... still to come
  int64_t bytes = 0;     // expected less completed
  uint32_t phase = 0;
  std::vector<Thread*> waiting;  // for the end of this phase
  // Checked build: what arrived in this phase, and in those before.
  Clock arriving, arrived;
};

// A bulk copy under way.
struct TensorCopy {
  TensorMap map;
  uint32_t destination, barrier, thread;
  int32_t x, y;
  std::shared_ptr<const Clock> issued;  // checked build: the issuer's clock
};

struct AsyncState {
  std::unordered_map<uint32_t, MemoryBarrier> barriers;  // by shared address
  std::vector<TensorCopy> copies;
};

// Bytes of a bulk copy have arrived.
void complete_bytes(Block& block, uint32_t barrier, uint32_t bytes, const Clock* issued);
// Completes one bulk copy of the gang, if one is under way.
bool complete_one_copy(Gang& gang);
// No bulk copy may be under way when its block has ended.
void require_no_copies(const Block& block);

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
