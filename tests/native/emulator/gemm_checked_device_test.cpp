// The products under the checked emulator: nothing found, no bank conflicts and full sectors where rows are aligned.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "emulator/grid.h"
#include "emulator/host/host.h"
#include "support/gemm_case.h"

namespace wl::test {
namespace {

struct GemmChecked : EmulatorTest {
  GemmChecked() {
    emu::HostSettings host;
    host.multiprocessors = 132;
    emu::configure_host(host);
  }
  ~GemmChecked() override { emu::configure_host({}); }
};

GemmOptions typed(int32_t type) {
  GemmOptions o;
  o.x_type = o.weight_type = o.y_type = o.residual_type = type;
  return o;
}

// One call of each kind of kernel: rows, tiles, split-K with its merge.
const std::vector<GemmShape> kShapes = {{3, 32, 512}, {40, 64, 288}, {40, 64, 448}, {16, 64, 2048}};
const std::vector<int32_t> kTypes = {WL_DTYPE_FLOAT32, WL_DTYPE_BFLOAT16};

TEST_F(GemmChecked, NoConflictsAndFullSectors) {
  for (const int32_t type : kTypes) {
    for (const GemmShape& shape : kShapes) {
      GemmCase c(shape, typed(type));
      emu::clear_report();
      c.run();
      EXPECT_TRUE(c.matches());
      EXPECT_EQ(findings(), "");
      EXPECT_GE(emu::report().traffic.size(), 4u);
      for (const emu::Traffic& t : emu::report().traffic) {
        const std::string where = std::string(t.site.file) + ":" + std::to_string(t.site.line) + " " +
                                  t.operation + ", " + c.describe();
        EXPECT_EQ(t.bank_conflicts, 0u) << where;
        // Rows: a block makes four columns of y, a quarter of a sector of 16-bit elements and half of one of float32, and
        // reads as much of the residual: less than a thousandth of the weights that it reads.
        const bool small = shape.m <= 8 &&
                           std::string(t.site.file).find("gemm/rows.h") != std::string::npos &&
                           t.sectors <= 2u * static_cast<uint64_t>(shape.m * shape.n / 4);
        if (!small) {
          EXPECT_EQ(t.sectors, t.ideal_sectors) << where;
        }
      }
    }
  }
}

}  // namespace
}  // namespace wl::test
