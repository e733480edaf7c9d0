// The reader of machine code and its gates (tools/sass-report), on listings of the kernels in tests/native/sass, made by
//   nvcc -std=c++20 -fmad=false -c -gencode=arch=compute_80,code=sm_80 X.cu && cuobjdump -sass -res-usage X.o
// (pipeline: for sm_90 too), and on code that is written here.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "gates.h"
#include "loops.h"
#include "support/headers.h"

namespace wl::sass {
namespace {

std::string sample(const std::string& name) {
  return WARPLINE_SOURCE_DIR "/tests/native/sass/" + name + ".sass";
}

std::vector<Kernel> read(const std::string& listing) {
  ListingReader reader;
  for (const std::string& line : test::lines_of(listing)) reader.line(line);
  return reader.finish();
}

std::vector<Kernel> read_sample(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(sample(name)).rdbuf();
  return read(text.str());
}

// A kernel of these instructions, 16 bytes each, as cuobjdump would list it.
std::vector<Kernel> kernel_of(const std::vector<std::string>& code) {
  std::ostringstream listing;
  listing << "Resource usage:\n Common:\n  GLOBAL:0\n Function made:\n  REG:10 STACK:0 SHARED:0 "
             "LOCAL:0\n\tcode for sm_80\n"
             "\t\tFunction : made\n";
  for (size_t i = 0; i < code.size(); ++i)
    listing << "        /*" << std::hex << 16 * i << "*/    " << code[i] << " ;   /* 0x0000000000007945 */\n"
            << "                  /* 0x000fe20003800000 */\n";
  return read(listing.str());
}

std::vector<uint32_t> addresses(const std::vector<Instruction>& code) {
  std::vector<uint32_t> result;
  for (const Instruction& instruction : code) result.push_back(instruction.address / 16);
  return result;
}

// What the gates find wrong, without the numbers of their lines.
std::vector<std::string> found(const std::vector<Kernel>& kernels, const std::string& gates) {
  std::istringstream file(gates);
  std::vector<std::string> result = violations(figures_of(kernels), read_gates(file));
  for (std::string& text : result) text.erase(0, text.find(": ") + 2);
  return result;
}

using Texts = std::vector<std::string>;
using Places = std::vector<uint32_t>;

TEST(SassListing, ReadsEveryArchitectureOfALibrary) {
  const std::vector<Kernel> kernels = read_sample("pipeline");
  ASSERT_EQ(kernels.size(), 2u);
  EXPECT_EQ(kernels[0].architecture, "sm_80");
  EXPECT_EQ(kernels[1].architecture, "sm_90");
  EXPECT_EQ(kernels[0].name, "pipeline");
  EXPECT_EQ(kernels[0].resources.registers, 24);
  EXPECT_EQ(kernels[1].resources.registers, 26);
  EXPECT_EQ(kernels[1].resources.shared, 1024);
  ASSERT_EQ(kernels[0].code.size(), 80u);  // to 0x4f0
  EXPECT_EQ(kernels[0].code[0x27].address, 0x270u);
  EXPECT_EQ(kernels[0].code[0x27].predicate, "@!P0");
  EXPECT_EQ(kernels[0].code[0x27].opcode, "BRA");
  EXPECT_EQ(kernels[0].code[0x27].operands, "0x100");
  EXPECT_EQ(kernels[0].code[0x25].opcode, "HMMA.16816.F32.BF16");
}

TEST(SassListing, NamesAreShort) {
  EXPECT_EQ(short_name("_ZN2wl4cuda12scratch_gemmILi4EEEvNS0_1PE"), "scratch_gemm<4>");
  // void wl::cuda::(anonymous namespace)::scale<float, 128>(float*, void (*)(int))
  EXPECT_EQ(short_name("_ZN2wl4cuda12_GLOBAL__N_15scaleIfLi128EEEvPfPFviE"), "scale<float,128>");
  EXPECT_EQ(short_name("_Z8pipelinePK5uint4Pfi"), "pipeline");
  EXPECT_EQ(short_name("plain_c"), "plain_c");
}

TEST(SassListing, ContradictionsAreErrors) {
  EXPECT_THROW(read("\t\tFunction : unknown\n"), std::runtime_error);
  EXPECT_THROW(read("        /*0000*/   EXIT ;\n"), std::runtime_error);
  EXPECT_THROW(read(" Function f:\n  REGISTERS:3\n"), std::runtime_error);
}

TEST(SassListing, SpilledRegistersAreSeen) {
  const std::vector<Kernel> kernels = read_sample("spill");
  ASSERT_EQ(kernels.size(), 1u);
  EXPECT_EQ(kernels[0].resources.stack, 56);
  EXPECT_EQ(count(kernels[0].code, "LDL*"), 14);
  EXPECT_EQ(count(kernels[0].code, "STL*"), 14);
}

TEST(SassLoop, OfAPipelineIsTheLoopOfItsProducts) {
  for (const Kernel& kernel : read_sample("pipeline")) {
    const std::vector<Instruction> loop = main_loop(kernel);
    EXPECT_EQ(loop.size(), 24u) << kernel.architecture;
    EXPECT_EQ(count(loop, "HMMA*"), 2);
    EXPECT_EQ(count(loop, "LDGSTS*.128"), 1);
    EXPECT_EQ(count(loop, "LDSM*"), 1);
    EXPECT_EQ(count(loop, "BAR.*"), 2);
    EXPECT_EQ(count(loop, "MUFU*"), 0);
    EXPECT_GT(count(kernel.code, "MUFU*"), 0);
  }
}

// Of two loops with as many products in a loop around both the plain one counts, and of that what a converged warp runs.
TEST(SassLoop, IsInnermostPlainAndWithoutSlowWays) {
  const std::vector<Kernel> kernels = read_sample("nested");
  ASSERT_EQ(kernels.size(), 1u);
  const std::vector<Instruction> loop = main_loop(kernels[0]);
  EXPECT_EQ(addresses(loop), (Places{0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x37, 0x38, 0x39,
                                     0x3a, 0x3b, 0x3c, 0x3d}));
  EXPECT_EQ(count(loop, "SHFL*"), 1);
}

TEST(SassLoop, HoldsItsPartsBehindTheEnd) {
  const std::vector<Kernel> kernels = kernel_of({
      "MOV R0, RZ", "HMMA.1688.F32 R4, R0, R2, R4", "@P0 BRA 0x60", "IADD3 R0, R0, 0x1, RZ", "@P1 BRA 0x10",
      "EXIT",                        // 5
      "FADD R1, R1, R2", "BRA 0x30"  // of the loop
  });
  EXPECT_EQ(addresses(main_loop(kernels[0])), (Places{1, 2, 3, 4, 6, 7}));
}

TEST(SassLoop, MayBeginInItsMiddle) {
  const std::vector<Kernel> kernels =
      kernel_of({"BRA 0x30", "HMMA.1688.F32 R4, R0, R2, R4", "FADD R1, R1, R2",
                 "ISETP.GE.AND P0, PT, R0, R1, PT", "@P0 BRA 0x10", "EXIT"});
  EXPECT_EQ(addresses(main_loop(kernels[0])), (Places{1, 2, 3, 4}));
}

TEST(SassLoop, FollowsConvergenceBarriers) {
  // The barrier's threads go on at 6, past an instruction that only one of its two ways runs into.
  const std::vector<Kernel> kernels =
      kernel_of({"NOP", "BSSY B3, 0x60", "@P0 BRA 0x40", "BSYNC B3", "FADD R1, R1, R2", "BSYNC B3",
                 "IMMA.16832.S8.S8 R4, R0, R2, R4", "@P1 BRA 0x10", "EXIT"});
  EXPECT_EQ(addresses(main_loop(kernels[0])), (Places{1, 2, 3, 4, 5, 6, 7}));
  // Without the barrier's jump the way from 3 would never reach the product.
  const std::vector<Kernel> apart = kernel_of({"BSSY B0, 0x40", "@P0 BRA 0x40", "BSYNC B0", "EXIT",
                                               "HMMA.1688.F32 R4, R0, R2, R4", "@P1 BRA 0x0", "EXIT"});
  EXPECT_EQ(addresses(main_loop(apart[0])), (Places{0, 1, 2, 4, 5}));
}

TEST(SassLoop, IsEmptyWithoutProducts) {
  EXPECT_TRUE(main_loop(read_sample("spill")[0]).empty());
  EXPECT_TRUE(main_loop(kernel_of({"HMMA.1688.F32 R4, R0, R2, R4", "EXIT"})[0]).empty());
  EXPECT_TRUE(main_loop(kernel_of({"MOV R0, RZ", "@P0 BRA 0x0", "EXIT"})[0]).empty());
}

TEST(SassGates, MetOnesSayNothing) {
  EXPECT_EQ(found(read_sample("pipeline"),
                  "# a comment\n\n"
                  "* * stack 0 # no frame\n"
                  "pipe* sm_* others 11\n"
                  "pipeline sm_80 begun LDGSTS*.128\n"
                  "* * kernel:LDG.*CONSTANT* 0\n"
                  "pipeline * loop:MUFU* 0\n"),
            Texts{});
}

TEST(SassGates, EachIsSeenToBeBroken) {
  EXPECT_EQ(found(read_sample("spill"), "* * stack 0\n* * kernel:STL* 13\n"),
            (Texts{"spill (sm_80): 56 bytes of stack frame, at most 0",
                   "spill (sm_80): 14 STL* in the kernel, at most 13"}));
  EXPECT_EQ(
      found(read_sample("nested"),
            "* * kernel:LDG*CONSTANT* 0\n* * others 6.9\n* * loop:FSETP* 0\n* * begun LDGSTS*\n"),
      (Texts{"nested (sm_80): 4 LDG*CONSTANT* in the kernel, at most 0",
             "nested (sm_80): 7 other instructions for each matrix product of the main loop, at most 6.9",
             "nested (sm_80): 1 FSETP* in the main loop, at most 0",
             "nested (sm_80): no LDGSTS* before the last matrix product of the main loop"}));
  EXPECT_EQ(found(read_sample("spill"), "spill * others 3\n"),
            Texts{"spill (sm_80): no loop with matrix products"});
}

TEST(SassGates, ACopyAfterTheLastProductIsTooLate) {
  const auto loop = [](const std::string& first, const std::string& last) {
    return kernel_of({"NOP", first, "HMMA.1688.F32 R4, R0, R2, R4", last, "@P0 BRA 0x10", "EXIT"});
  };
  const std::string copy = "LDGSTS.E.BYPASS.LTC128B.128 [R5], [R2.64]",
                    narrow = "LDGSTS.E.LTC128B [R5], [R2.64]";
  EXPECT_EQ(found(loop(copy, "NOP"), "* * begun LDGSTS*.128*"), Texts{});
  EXPECT_EQ(found(loop("NOP", copy), "* * begun LDGSTS*.128*").size(), 1u);
  EXPECT_EQ(found(loop(narrow, "NOP"), "* * begun LDGSTS*.128*").size(), 1u);
}

TEST(SassGates, OneWithoutAKernelIsBroken) {
  EXPECT_EQ(found(read_sample("nested"), "nested sm_90 stack 0\n"), Texts{"no kernel is nested of sm_90"});
}

TEST(SassGates, InstancesAreCounted) {
  EXPECT_EQ(found(read_sample("pipeline"), "pipe* * instances 2\npipe* sm_80 instances 1\n"), Texts{});
  EXPECT_EQ(found(read_sample("pipeline"), "pipe* * instances 1\n"),
            Texts{"2 kernels are pipe* of *, at most 1"});
}

TEST(SassGates, TheProjectsOwnAreWellFormed) {
  std::ifstream file(WARPLINE_SOURCE_DIR "/tests/native/sass-gates.txt");
  EXPECT_FALSE(read_gates(file).empty());
}

TEST(SassGates, WrongLinesAreRefusedByNumber) {
  for (const char* line : {"a sm_80 stack", "a sm_80 stack 0 1", "a sm_80 stakc 0", "a sm_80 kernel: 0",
                           "a sm_80 others x", "a sm_80 stack -1", "a sm_80 loop:LDL nan"}) {
    std::istringstream file("* * stack 0\n" + std::string(line) + "\n");
    try {
      read_gates(file);
      ADD_FAILURE() << line;
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()).rfind("line 2 is \"" + std::string(line), 0), 0u) << error.what();
    }
  }
}

TEST(SassReport, TableHasALineForEachKernel) {
  const std::vector<Kernel> kernels = read_sample("pipeline");
  const std::string table = markdown(figures_of(kernels), "nvcc 12.4.131");
  EXPECT_NE(table.find("nvcc 12.4.131"), std::string::npos);
  EXPECT_NE(table.find("| `pipeline` | sm_80 | 24 | 0 | 0 | 0 | 24 | 2 | 11 | 1 | 1 | 2 | 0 |\n"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("| `pipeline` | sm_90 | 26 | 0 | 0 | 1024 | 24 | 2 | 11 | 1 | 1 | 2 | 0 |\n"),
            std::string::npos);
}

TEST(SassReport, ExitStatusTellsWhetherGatesHold) {
  const auto status = [](const std::string& arguments) {
    const std::vector<std::string> lines =
        test::lines_of(test::output_of("'" WARPLINE_SASS_REPORT "' " + arguments + " >/dev/null; echo $?"));
    return lines.empty() ? std::string() : lines.back();
  };
  const std::string file = testing::TempDir() + "sass_report_test_gates.txt";
  std::ofstream(file) << "* * stack 0\n";
  const std::string gates = " --gates '" + file + "'";
  EXPECT_EQ(status("--listing '" + sample("pipeline") + "'" + gates), "0");
  EXPECT_EQ(status("--listing '" + sample("spill") + "'"), "0");
  EXPECT_EQ(status("--listing '" + sample("spill") + "'" + gates), "1");
  EXPECT_EQ(status("--listing /nonexistent"), "2");
  EXPECT_EQ(status("--listing /dev/null"), "2");  // no kernel
  EXPECT_EQ(status("--cuobjdump false --library x"), "2");
  std::ofstream(file) << "* * stack many\n";
  EXPECT_EQ(status("--listing '" + sample("spill") + "'" + gates), "2");
  EXPECT_EQ(status("--colour"), "2");
}

}  // namespace
}  // namespace wl::sass
