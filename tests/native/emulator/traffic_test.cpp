// Bank conflicts and sectors, against counts made by hand from the rules of shared and global memory.
#include "grid.h"

namespace wl::test {
namespace {

using namespace cuda;

struct Params {
  Global<const uint32_t> source;
  int variant;
};

struct TrafficTest : EmulatorTest {
  void SetUp() override {
    if (!emu::kChecked) GTEST_SKIP() << "needs the checked build";
  }
};

void traffic_kernel(Params p) {
  const uint32_t lane = ptx::laneid();
  uint32_t d[4];
  switch (p.variant) {
    case 0:  // a word a lane
      ptx::st_shared_b32(lane * 4, 0);
      break;
    case 1:  // every second word: two words a bank
      ptx::st_shared_b32(lane * 8, 0);
      break;
    case 2:  // one bank
      ptx::st_shared_b32(lane * 128, 0);
      break;
    case 3:  // one word for all
      ptx::st_shared_b32(0, 0);
      break;
    case 4:  // 16 bytes a lane in a row: eight lanes fill the banks
      ptx::st_shared_v4_b32(lane * 16, {0, 0, 0, 0});
      break;
    case 5:  // rows of 128 bytes, one column: eight rows in four banks
      ptx::ldmatrix_x4(d, lane % 8 * 128 + lane / 8 * 16);
      break;
    case 6:  // the same with chunks permuted by the row
      ptx::ldmatrix_x4(d, lane % 8 * 128 + (lane / 8 ^ lane % 8) * 16);
      break;
    case 7:
      for (uint32_t i = 0; i < 4; ++i) ptx::ld_global_b32(p.source + (i * 32 + lane));
      break;
    case 8:  // every eighth word: a sector each
      ptx::ld_global_b32(p.source + lane * 8);
      break;
    case 9:  // one word for all
      ptx::ld_global_b32(p.source);
      break;
    case 10:  // half the warp, rows that begin in the middle of a sector
      if (lane < 16) ptx::ld_global_v4_b32(p.source + (4 + lane * 4));
      break;
    case 11:
      ptx::cp_async_cg_16(lane * 16, p.source + lane * 4, lane < 8);
      break;
  }
}

TEST_F(TrafficTest, ConflictsAndSectors) {
  struct Expected {
    int variant;
    uint64_t requests, conflicts, sectors, ideal;
  };
  const Expected all[] = {{0, 1, 0, 0, 0},  {1, 1, 1, 0, 0},  {2, 1, 31, 0, 0}, {3, 1, 0, 0, 0},
                          {4, 1, 0, 0, 0},  {5, 1, 28, 0, 0}, {6, 1, 0, 0, 0},  {7, 4, 0, 16, 16},
                          {8, 1, 0, 32, 4}, {9, 1, 0, 1, 1},  {10, 1, 0, 9, 8}, {11, 1, 0, 4, 4}};
  DeviceArray<uint32_t> source(512);
  for (const Expected& one : all) {
    emu::clear_report();
    const Params params{source.global_const(), one.variant};
    ASSERT_TRUE(launch(traffic_kernel, params, 1, 32, 4096)) << findings();
    const std::vector<emu::Traffic> traffic = emu::report().traffic;
    ASSERT_EQ(traffic.size(), 1u) << one.variant;
    EXPECT_EQ(traffic[0].requests, one.requests) << one.variant;
    EXPECT_EQ(traffic[0].bank_conflicts, one.conflicts) << one.variant;
    EXPECT_EQ(traffic[0].sectors, one.sectors) << one.variant;
    EXPECT_EQ(traffic[0].ideal_sectors, one.ideal) << one.variant;
  }
}

}  // namespace
}  // namespace wl::test
