// ldmatrix, stmatrix and mma.sync as collectives of a warp.
#include <array>

#include "emulator/collective.h"
#include "emulator/mma.h"
#include "emulator/report.h"
#include "emulator/scheduler.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

constexpr uint32_t kRowBytes = 16;

struct MatrixArgument {
  uint32_t* load;         // ldmatrix: where the registers go
  const uint32_t* store;  // stmatrix: where they come from
  uint32_t address;
};

const MatrixArgument& argument_of(void* const* arguments, uint32_t lane) {
  return *static_cast<const MatrixArgument*>(arguments[lane]);
}

template <int kMatrices, bool kTransposed>
bool load_matrices(Block& block, Warp&, void* const* arguments, uint32_t) {
  for (uint32_t m = 0; m < kMatrices; ++m) {
    uint16_t rows[8][8];
    for (uint32_t r = 0; r < 8; ++r) {
      std::memcpy(rows[r], block.shared + argument_of(arguments, m * 8 + r).address, kRowBytes);
    }
    for (uint32_t lane = 0; lane < 32; ++lane) {
      const uint32_t g = lane / 4, t = lane % 4;
      const uint16_t low = kTransposed ? rows[2 * t][g] : rows[g][2 * t];
      const uint16_t high = kTransposed ? rows[2 * t + 1][g] : rows[g][2 * t + 1];
      argument_of(arguments, lane).load[m] = low | static_cast<uint32_t>(high) << 16;
    }
  }
  return true;
}

template <int kMatrices, bool kTransposed>
bool store_matrices(Block& block, Warp&, void* const* arguments, uint32_t) {
  for (uint32_t m = 0; m < kMatrices; ++m) {
    uint16_t rows[8][8];
    for (uint32_t lane = 0; lane < 32; ++lane) {
      const uint32_t g = lane / 4, t = lane % 4, x = argument_of(arguments, lane).store[m];
      (kTransposed ? rows[2 * t][g] : rows[g][2 * t]) = static_cast<uint16_t>(x);
      (kTransposed ? rows[2 * t + 1][g] : rows[g][2 * t + 1]) = static_cast<uint16_t>(x >> 16);
    }
    for (uint32_t r = 0; r < 8; ++r) {
      std::memcpy(block.shared + argument_of(arguments, m * 8 + r).address, rows[r], kRowBytes);
    }
  }
  return true;
}

struct MatrixOperation {
  const char* name;
  Complete complete;
};

void run(const MatrixOperation& operation, MatrixArgument& argument, int matrices, bool write, Site site) {
  // Lanes past the rows of the matrices give no address.
  const bool has_row = self().lane < static_cast<uint32_t>(matrices) * 8;
  if constexpr (kChecked) {
    count_traffic(self(), operation.name, has_row ? &argument.address : nullptr, nullptr, kRowBytes, site);
  }
  if (has_row) {
    if (argument.address % kRowBytes != 0) {
      fail("misaligned",
           std::string(operation.name) + ": address " + std::to_string(argument.address) +
               ", must be a multiple of 16",
           site);
    }
    if constexpr (kChecked) {
      Thread& thread = self();
      thread.block->checks->shared.access(thread, argument.address, kRowBytes,
                                          write ? SharedShadow::Kind::kWrite : SharedShadow::Kind::kRead,
                                          site);
    }
  }
  rendezvous_aligned(operation.name, operation.complete, &argument, site);
}

const MatrixOperation& pick(const std::array<MatrixOperation, 6>& operations, int matrices, bool transposed) {
  return operations[static_cast<size_t>((matrices == 1 ? 0 : matrices == 2 ? 1 : 2) * 2 + transposed)];
}

}  // namespace

void ldmatrix(uint32_t* registers, uint32_t address, int matrices, bool transposed, Site site) {
  static constexpr std::array<MatrixOperation, 6> kOperations{
      {{"ldmatrix.x1", load_matrices<1, false>},
       {"ldmatrix.x1.trans", load_matrices<1, true>},
       {"ldmatrix.x2", load_matrices<2, false>},
       {"ldmatrix.x2.trans", load_matrices<2, true>},
       {"ldmatrix.x4", load_matrices<4, false>},
       {"ldmatrix.x4.trans", load_matrices<4, true>}}};
  MatrixArgument argument{registers, nullptr, address};
  run(pick(kOperations, matrices, transposed), argument, matrices, false, site);
}

void stmatrix(uint32_t address, const uint32_t* registers, int matrices, bool transposed, Site site) {
  static constexpr std::array<MatrixOperation, 6> kOperations{
      {{"stmatrix.x1", store_matrices<1, false>},
       {"stmatrix.x1.trans", store_matrices<1, true>},
       {"stmatrix.x2", store_matrices<2, false>},
       {"stmatrix.x2.trans", store_matrices<2, true>},
       {"stmatrix.x4", store_matrices<4, false>},
       {"stmatrix.x4.trans", store_matrices<4, true>}}};
  MatrixArgument argument{nullptr, registers, address};
  run(pick(kOperations, matrices, transposed), argument, matrices, true, site);
}

void mma_float(MmaType type, float* d, const uint32_t* a, const uint32_t* b, const float* c, Site site) {
  MmaArgument argument{d, a, b, c};
  switch (type) {
    case MmaType::kBFloat16:
      return rendezvous_aligned(
          "mma.m16n8k16.bf16",
          [](Block& block, Warp&, void* const* arguments, uint32_t) {
            ++block.gang->mma;
            compute_mma_16bit(reinterpret_cast<const MmaArgument* const*>(arguments), true);
            return true;
          },
          &argument, site);
    case MmaType::kFloat16:
      return rendezvous_aligned(
          "mma.m16n8k16.f16",
          [](Block& block, Warp&, void* const* arguments, uint32_t) {
            ++block.gang->mma;
            compute_mma_16bit(reinterpret_cast<const MmaArgument* const*>(arguments), false);
            return true;
          },
          &argument, site);
    case MmaType::kTf32:
      return rendezvous_aligned(
          "mma.m16n8k8.tf32",
          [](Block& block, Warp&, void* const* arguments, uint32_t) {
            ++block.gang->mma;
            compute_mma_tf32(reinterpret_cast<const MmaArgument* const*>(arguments));
            return true;
          },
          &argument, site);
  }
}

void mma_s8(int32_t* d, const uint32_t* a, const uint32_t* b, const int32_t* c, Site site) {
  MmaArgument argument{d, a, b, c};
  rendezvous_aligned(
      "mma.m16n8k32.s8",
      [](Block& block, Warp&, void* const* arguments, uint32_t) {
        ++block.gang->mma;
        compute_mma_s8(reinterpret_cast<const MmaArgument* const*>(arguments));
        return true;
      },
      &argument, site);
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
