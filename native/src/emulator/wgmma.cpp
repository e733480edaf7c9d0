#include "emulator/wgmma.h"

#include <algorithm>
#include <cmath>

#include "emulator/collective.h"
#include "emulator/mma.h"
#include "emulator/report.h"
#include "emulator/scheduler.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

constexpr int kM = 16, kN = 64, kK = 16;  // of a warp

// Address of element (row, k), the rows of 128 bytes with the 128-byte swizzle: k runs along a row, or down the rows
// where the matrix is transposed. Groups of eight rows lie a stride apart.
uint32_t element_address(uint64_t descriptor, bool transposed, int row, int k) {
  const auto field = [descriptor](int shift) {
    return static_cast<uint32_t>(descriptor >> shift & 0x3fff) << 4;
  };
  const uint32_t start = field(0), stride = field(32);
  const auto line = static_cast<uint32_t>(transposed ? k : row),
             column = static_cast<uint32_t>(transposed ? row : k);
  const uint32_t address = start + line / 8 * stride + line % 8 * 128 + column * 2;
  return address ^ (address >> 7 & 7) << 4;
}

float load_bfloat16(const Block& block, uint32_t address, Site site) {
  if (address + 2 > block.shared_bytes) {
    fail("out of bounds",
         "wgmma: shared address " + std::to_string(address) + " of " + std::to_string(block.shared_bytes),
         site);
  }
  uint16_t bits;
  std::memcpy(&bits, block.shared + address, sizeof bits);
  return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16);
}

void check_reads(Thread& thread, const GroupProduct& product, int first_row) {
  // 16 bytes at a time: eight elements along the line of 128 bytes.
  const auto read = [&](uint64_t descriptor, bool transposed, int rows, int first) {
    for (int row = 0; row < rows; row += transposed ? 8 : 1) {
      for (int k = 0; k < kK; k += transposed ? 1 : 8) {
        thread.block->checks->shared.access(thread, element_address(descriptor, transposed, first + row, k),
                                            16, SharedShadow::Kind::kProxyRead, product.site);
      }
    }
  };
  read(product.a, product.transpose_a, kM, first_row);
  read(product.b, product.transpose_b, kN, 0);
}

void compute(Block& block, Warp& warp, const GroupProduct& product) {
  const auto warp_index = static_cast<size_t>(&warp - block.warps.data());
  const int first_row = static_cast<int>(warp_index % 4) * kM;
  Thread& thread = self();
  if constexpr (kChecked) check_reads(thread, product, first_row);
  float a[kM][kK], b[kK][8], d[kM][8];
  for (int m = 0; m < kM; ++m) {
    for (int k = 0; k < kK; ++k) {
      a[m][k] = load_bfloat16(block, element_address(product.a, product.transpose_a, first_row + m, k),
                              product.site);
    }
  }
  auto& accumulators = warp.products.accumulators;
  for (int tile = 0; tile < kN / 8; ++tile) {
    for (int k = 0; k < kK; ++k) {
      for (int n = 0; n < 8; ++n) {
        b[k][n] = load_bfloat16(block, element_address(product.b, product.transpose_b, tile * 8 + n, k),
                                product.site);
      }
    }
    const auto element = [&](int lane, int i) -> float& {
      return d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
    };
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < 4; ++i) {
        element(lane, i) = product.accumulate
                               ? accumulators[static_cast<size_t>(lane)][static_cast<size_t>(tile * 4 + i)]
                               : 0;
      }
    }
    multiply_16x8x16(a[0], b[0], d[0]);
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < 4; ++i) {
        accumulators[static_cast<size_t>(lane)][static_cast<size_t>(tile * 4 + i)] = element(lane, i);
      }
    }
  }
}

struct IssueArgument {
  const GroupProduct* product;
  float* d;
};

bool issue(Block& block, Warp& warp, void* const* arguments, uint32_t) {
  const auto argument = [&](size_t lane) { return static_cast<const IssueArgument*>(arguments[lane]); };
  GroupProduct product = *argument(0)->product;
  GroupProducts& products = warp.products;
  for (size_t lane = 0; lane < 32; ++lane) {
    if (!same_operation(product, *argument(lane)->product)) {
      fail("divergence", "wgmma: lanes 0 and " + std::to_string(lane) + " give different descriptors",
           product.site);
    }
    product.d[lane] = argument(lane)->d;
  }
  const auto warp_index = static_cast<size_t>(&warp - block.warps.data());
  GroupOrder& order = block.group_orders[warp_index / 4];
  if (products.count == order.issued.size()) {
    order.issued.push_back(product);
  } else if (!same_operation(order.issued[products.count], product)) {
    fail("divergence", "wgmma: the warps of the group give different descriptors", product.site);
  }
  ++products.count;
  if (!products.fenced) {
    find("missing fence", "wgmma without wgmma.fence since its registers were last written or read",
         product.site);
  }
  const bool under_way = !products.issued.empty() && products.issued.back().d[0] == product.d[0];
  for (size_t lane = 0; lane < 32; ++lane) {
    if (!under_way) std::copy_n(product.d[lane], kWgmmaRegisters, products.accumulators[lane].begin());
    std::fill_n(product.d[lane], kWgmmaRegisters, std::nanf(""));
  }
  if (!under_way && !products.issued.empty()) {
    fail("wgmma", "wgmma on other registers than those of the products under way", product.site);
  }
  ++block.gang->mma;
  products.issued.push_back(product);
  return true;
}

struct WaitArgument {
  uint32_t pending;
};

bool finish_groups(Block& block, Warp& warp, void* const* arguments, uint32_t) {
  const uint32_t pending = static_cast<const WaitArgument*>(arguments[0])->pending;
  GroupProducts& products = warp.products;
  if (products.groups.size() <= pending) return true;
  const size_t done = products.groups.size() - pending;
  const uint32_t count = products.groups[done - 1];
  for (uint32_t i = 0; i < count; ++i) compute(block, warp, products.issued[i]);
  if constexpr (kChecked) {
    // The reads, booked on this lane, are over for each lane that waited.
    BlockClocks& clocks = block.checks->clocks;
    const uint32_t reader = self().index;
    Clock reads(block.thread_count);
    reads[reader] = clocks.now(reader);
    for (uint32_t lane = 0; lane < 32; ++lane) clocks.acquire(reader / 32 * 32 + lane, reads);
    clocks.tick(reader);
  }
  if (count == products.issued.size() && count != 0) {
    const GroupProduct& last = products.issued.back();
    for (size_t lane = 0; lane < 32; ++lane) {
      std::copy_n(products.accumulators[lane].begin(), kWgmmaRegisters, last.d[lane]);
    }
    products.fenced = false;
  }
  products.issued.erase(products.issued.begin(), products.issued.begin() + count);
  products.groups.erase(products.groups.begin(), products.groups.begin() + static_cast<ptrdiff_t>(done));
  for (uint32_t& end : products.groups) end -= count;
  return true;
}

}  // namespace

void wgmma_fence(Site site) {
  constexpr const char* kOperation = "wgmma.fence";
  if (at_site(gang(), site, kOperation, false) == MutationKind::kSkip) return;
  rendezvous_aligned(
      kOperation,
      [](Block&, Warp& warp, void* const*, uint32_t) {
        warp.products.fenced = true;
        return true;
      },
      nullptr, site);
}

void wgmma_m64n64k16_bf16(float* d, uint64_t a, uint64_t b, bool accumulate, bool transpose_a,
                          bool transpose_b, Site site) {
  const GroupProduct product{a, b, accumulate, transpose_a, transpose_b, site, {}};
  IssueArgument argument{&product, d};
  rendezvous_aligned("wgmma.mma_async", issue, &argument, site);
}

void wgmma_commit_group(Site site) {
  constexpr const char* kOperation = "wgmma.commit_group";
  if (at_site(gang(), site, kOperation, false) == MutationKind::kSkip) return;
  rendezvous_aligned(
      kOperation,
      [](Block&, Warp& warp, void* const*, uint32_t) {
        warp.products.groups.push_back(static_cast<uint32_t>(warp.products.issued.size()));
        return true;
      },
      nullptr, site);
}

void wgmma_wait_group(uint32_t pending, Site site) {
  constexpr const char* kOperation = "wgmma.wait_group";
  const MutationKind mutation = at_site(gang(), site, kOperation, true);
  if (mutation == MutationKind::kSkip) return;
  WaitArgument argument{mutation == MutationKind::kWeaken ? pending + 1 : pending};
  rendezvous_aligned(kOperation, finish_groups, &argument, site);
}

void setmaxnreg(uint32_t registers, Site site) {
  if (registers < 24 || registers > 256 || registers % 8 != 0) {
    fail("setmaxnreg", std::to_string(registers) + " registers, must be a multiple of 8 from 24 to 256",
         site);
  }
  rendezvous_aligned(
      "setmaxnreg", [](Block&, Warp&, void* const*, uint32_t) { return true; }, nullptr, site);
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
