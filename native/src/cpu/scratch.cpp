#include "cpu/scratch.h"

#include <mutex>
#include <vector>

#include "core/failure.h"
#include "core/system.h"

namespace wl::cpu {
namespace {

struct Block {
  void* memory;
  uint64_t bytes;
};

struct Pool {
  std::mutex mutex;
  std::vector<Block> free;  // Capacity is reserved when a block is made, so that giving one back cannot fail.
  uint64_t blocks = 0;
  uint64_t bytes = 0;
};
Pool& pool() {
  static Pool* instance = new Pool;
  return *instance;
}

// The smallest free block that is large enough, else the largest to be grown; index or -1.
int choose(const std::vector<Block>& free, uint64_t bytes) {
  int fit = -1, largest = -1;
  for (int i = 0; i < static_cast<int>(free.size()); ++i) {
    if (free[i].bytes >= bytes && (fit < 0 || free[i].bytes < free[fit].bytes)) fit = i;
    if (largest < 0 || free[i].bytes > free[largest].bytes) largest = i;
  }
  return fit >= 0 ? fit : largest;
}

}  // namespace

Scratch::Scratch(uint64_t bytes) : block_(nullptr), bytes_(0) {
  if (bytes == 0) return;
  if (bytes > UINT64_MAX / 2) throw std::bad_alloc();
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  if (const int i = choose(p.free, bytes); i >= 0) {
    const Block block = p.free[i];
    p.free[i] = p.free.back();
    p.free.pop_back();
    if (block.bytes >= bytes) {
      block_ = block.memory;
      bytes_ = block.bytes;
      return;
    }
    aligned_free(block.memory);
    --p.blocks;
    p.bytes -= block.bytes;
  }
  p.free.reserve(p.blocks + 1);
  const uint64_t rounded =
      scratch_part(bytes + bytes / 8);  // A little more, since lengths grow token by token.
  block_ = aligned_allocate(rounded);
  if (block_ == nullptr) {
    throw Failure{WL_STATUS_OUT_OF_MEMORY, "",
                  "scratch memory of " + text(rounded) + " bytes could not be had"};
  }
  bytes_ = rounded;
  ++p.blocks;
  p.bytes += rounded;
}

Scratch::~Scratch() {
  if (block_ == nullptr) return;
  const std::lock_guard lock(pool().mutex);
  pool().free.push_back({block_, bytes_});
}

uint64_t scratch_bytes() noexcept {
  const std::lock_guard lock(pool().mutex);
  return pool().bytes;
}

void trim_scratch() noexcept {
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  for (const Block& block : p.free) {
    aligned_free(block.memory);
    --p.blocks;
    p.bytes -= block.bytes;
  }
  p.free.clear();
}

}  // namespace wl::cpu
