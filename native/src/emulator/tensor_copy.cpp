// cp.async.bulk.tensor (TMA): a box of a two-dimensional tensor goes to shared memory behind the block's back; elements
// outside the tensor are zeros; with the 128-byte swizzle bits 4-6 of an address are XORed with its bits 7-9.
#include "emulator/report.h"
#include "emulator/scheduler.h"
#include "emulator/shadow_global.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

uint32_t box_bytes(const TensorMap& map) { return map.box_width * map.box_height * map.element_bytes; }

// Calls visit(address in shared memory, source or null outside the tensor) for each element of the box.
template <class Visit>
void for_elements(const TensorMap& map, uint32_t destination, int32_t x, int32_t y, const Visit& visit) {
  for (uint32_t row = 0; row < map.box_height; ++row) {
    for (uint32_t column = 0; column < map.box_width; ++column) {
      uint32_t address = destination + (row * map.box_width + column) * map.element_bytes;
      if (map.swizzle_128) address ^= (address >> 7 & 7) << 4;
      const int64_t at_x = int64_t{x} + column, at_y = int64_t{y} + row;
      const bool inside = at_x >= 0 && at_x < map.width && at_y >= 0 && at_y < map.height;
      visit(address, inside ? static_cast<const std::byte*>(map.base) +
                                  at_y * static_cast<int64_t>(map.pitch) + at_x * map.element_bytes
                            : nullptr);
    }
  }
}

void complete(Block& block, const TensorCopy& copy) {
  for_elements(copy.map, copy.destination, copy.x, copy.y, [&](uint32_t address, const std::byte* source) {
    if (source) {
      std::memcpy(block.shared + address, source, copy.map.element_bytes);
    } else {
      std::memset(block.shared + address, 0, copy.map.element_bytes);
    }
  });
  if constexpr (kChecked) {
    const uint32_t bytes = box_bytes(copy.map);
    for (uint32_t offset = 0; offset < bytes; offset += 16) {
      block.checks->shared.copied(copy.destination + offset, 16, copy.thread, (*copy.issued)[copy.thread]);
    }
  }
  complete_bytes(block, copy.barrier, box_bytes(copy.map), copy.issued.get());
}

void require(bool holds, const char* what, Site site) {
  if (!holds) fail("tensor copy", std::string("cp.async.bulk.tensor: ") + what, site);
}

}  // namespace

void tensor_copy_2d(uint32_t destination, const TensorMap& map, int32_t x, int32_t y, uint32_t barrier,
                    Site site) {
  Thread& thread = self();
  Block& block = *thread.block;
  const uint32_t row_bytes = map.box_width * map.element_bytes;
  require(reinterpret_cast<uintptr_t>(map.base) % 16 == 0 && map.pitch % 16 == 0,
          "address and pitch of the tensor must be multiples of 16", site);
  require(row_bytes % 16 == 0, "a row of the box must be a multiple of 16 bytes", site);
  require(!map.swizzle_128 || row_bytes <= 128, "a swizzled row of the box must be at most 128 bytes", site);
  require(destination % (map.swizzle_128 ? 1024 : 128) == 0,
          "the destination must be a multiple of 128, with swizzle of 1024", site);
  require(block.async.barriers.count(barrier) != 0, "no mbarrier was initialised at the given address", site);
  const uint32_t bytes = box_bytes(map);
  require(destination <= block.shared_bytes && bytes <= block.shared_bytes - destination,
          "the box must lie within shared memory", site);
  TensorCopy copy{map, destination, barrier, thread.index, x, y, nullptr};
  if constexpr (kChecked) {
    for (uint32_t offset = 0; offset < bytes; offset += 16) {
      block.checks->shared.access(thread, destination + offset, 16, SharedShadow::Kind::kTensorCopy, site);
    }
    for_elements(map, destination, x, y, [&](uint32_t, const std::byte* source) {
      if (source) {
        GlobalShadow::instance().access(thread, reinterpret_cast<uintptr_t>(source), map.element_bytes, false,
                                        false, Order::kWeak, Scope::kBlock, site);
      }
    });
    BlockClocks& clocks = block.checks->clocks;
    copy.issued = std::make_shared<const Clock>(clocks.copy(thread.index));
    clocks.tick(thread.index);
  }
  constexpr int kPoison = 0xff;
  std::memset(block.shared + destination, kPoison, bytes);
  const Completion completion = settings().completion;
  if (completion == Completion::kEarly ||
      (completion == Completion::kRandom && block.gang->random.below(2))) {
    complete(block, copy);
  } else {
    block.async.copies.push_back(std::move(copy));
  }
}

bool complete_one_copy(Gang& gang) {
  for (Block* block : gang.blocks) {
    auto& copies = block->async.copies;
    if (copies.empty()) continue;
    const size_t index = gang.random_schedule ? gang.random.below(copies.size()) : 0;
    const TensorCopy copy = std::move(copies[index]);
    copies.erase(copies.begin() + static_cast<ptrdiff_t>(index));
    complete(*block, copy);
    return true;
  }
  return false;
}

void require_no_copies(const Block& block) {
  if (block.async.copies.empty()) return;
  add_finding("unfinished copy", std::string("kernel ") + block.gang->grid->name + ", block (" +
                                     std::to_string(block.ctaid.x) + ", " + std::to_string(block.ctaid.y) +
                                     ", " + std::to_string(block.ctaid.z) +
                                     "): ended while cp.async.bulk.tensor was under way");
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
