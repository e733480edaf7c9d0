// Every kernel of the library under the checked emulator: no false alarm, and all of its synchronisation is needed
// (proof.h).
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cuda/attention/tuning.h"
#include "cuda/gemm/tuning.h"
#include "emulator/host/host.h"
#include "emulator/layer_ops.h"
#include "support/attention_case.h"
#include "support/gemm_case.h"

namespace wl::test {
namespace {

constexpr int32_t kSingle = WL_DTYPE_FLOAT32, kHalf = WL_DTYPE_FLOAT16, kBrain = WL_DTYPE_BFLOAT16;

// ---- The layer's ops, the cache's append, sampling: aligned rows, and rows of any alignment.
std::vector<KernelCall> elementwise_calls(const std::string& family) {
  std::vector<KernelCall> all = layer_calls();
  const std::vector<KernelCall> more = {
      {"odd silu", "elementwise.activation.sm80.unaligned",
       [] { return activation(WL_ACTIVATION_SILU, kBrain, kBrain, 383); }},
      {"embedding of float32", "elementwise.embedding.sm80.32bit",
       [] {
         return embedded({1, 8, 0, 3, 3}, kSingle, kSingle).bytes();
       }},
      {"odd embedding", "elementwise.embedding.sm80.unaligned",
       [] {
         return embedded({1, 8, 0, 3, 3}, kBrain, kHalf, 251).bytes();
       }},
      {"odd rope", "elementwise.rope.sm80.unaligned",
       [] {
         return roped(0, {3, 0, 15, 9, 1}, kBrain, true, 127).bytes();
       }},
      {"append of float32", "kv_cache.append.sm80.32bit",
       [] {
         return appended({2, 0, 3}, {0, 3, 4, 6}, kSingle).bytes();
       }},
      {"odd append", "kv_cache.append.sm80.unaligned",
       [] {
         return appended({2, 0, 3}, {0, 3, 4, 6}, kBrain, 65).bytes();
       }},
      {"argmax of float32", "sampling.argmax.sm80.32bit", [] { return argmax(kSingle, 9000); }},
      {"sample of a row for a warp", "sampling.sample.sm80.32bit",
       [] { return sampled_bytes(kSingle, 200, 2); }},
      {"the same of 16 bits", "sampling.sample.sm80.16bit", [] { return sampled_bytes(kBrain, 400, 2); }},
  };
  all.insert(all.end(), more.begin(), more.end());
  std::vector<KernelCall> calls;
  for (const KernelCall& call : all) {
    if (call.kernel.rfind(family, 0) == 0) calls.push_back(call);
  }
  return calls;
}

// ---- Products: each tile shape, split-K with its merge, the rows kernels.
KernelCall product(GemmShape shape, GemmOptions options, int multiprocessors, const std::string& kernel) {
  const auto c = std::make_shared<GemmCase>(shape, options);
  return {c->describe(), "gemm." + kernel, [c, multiprocessors] {
            emu::HostSettings host;
            host.multiprocessors = multiprocessors;
            emu::configure_host(host);
            const OptionScope forced("gemm.kernel", c->shape.m > 8 ? "tiles" : "auto");
            c->run();
            emu::configure_host({});
            return c->y.bytes();
          }};
}

std::vector<KernelCall> gemm_calls() {
  std::vector<KernelCall> calls;
  for (const int32_t type : {kSingle, kHalf, kBrain}) {
    const std::string name = std::string(".sm80.") + dtype_name(type);
    const bool single = type == kSingle;
    GemmOptions o;
    o.x_type = o.weight_type = o.y_type = o.residual_type = type;
    const auto tiles = [&](const cuda::product::TileShape& t, int64_t k, const std::string& more) {
      // One multiprocessor takes the tile of the least work: of the small one it holds three blocks.
      const int64_t n = t.m == 16 ? 192 : t.n;
      calls.push_back(product({t.m, n, k}, o, 1,
                              "tiles" + std::to_string(t.m) + "x" + std::to_string(t.n) + more + name));
    };
    for (int shape = 0; shape < cuda::product::kTileShapes; ++shape) {
      const cuda::product::TileShape& t =
          cuda::product::tuning_rows(single ? cuda::product::Multiply::kFloat32
                                            : cuda::product::Multiply::kSixteenBit)[shape]
              .shape;
      const bool any = shape >= cuda::product::kFirstAnyShape;
      // The last copies and the last reads meet each of the stages, where the sums gather afterwards.
      const int64_t depth = t.row_bytes / (single ? 4 : 2);
      for (int steps = t.stages; steps < 2 * t.stages; ++steps) {
        tiles(t, steps * depth, "");
        if (any) tiles(t, steps * depth - 1, "_any");
      }
      if (!single) continue;
      tiles(t, 64, "");  // the loop of short sums
      if (any) tiles(t, 63, "_any");
    }
    calls.push_back(product({16, 64, 2048}, o, 132, "merge.sm80.float32"));
    for (const bool wide : {false, true}) {
      if (wide && single) continue;
      if (wide) o.x_type = o.y_type = o.residual_type = kSingle;
      for (const int64_t m : {1, 2, 3, 7}) {
        const int64_t rows = m <= 2 ? m : m == 3 ? 4 : 8;
        calls.push_back(
            product({m, 32, 512}, o, 132,
                    "rows" + std::to_string(rows) + (wide ? ".sm80.float32_" + name.substr(6) : name)));
      }
    }
    if (single) {
      calls.push_back(product({1, 32, 511}, o, 132, "rows1_any" + name));
      calls.push_back(product({5, 32, 511}, o, 132, "rows8_any" + name));
    }
  }
  return calls;
}

// ---- Attention: each bucket of head dimensions, the plain kernel and the one that modifies scores, with more tiles of keys
// than stages; heads of any alignment; no key at all.
KernelCall attention(const AttentionSetup& setup, const std::string& kernel, const std::string& name,
                     bool invariant = false) {
  const auto c = std::make_shared<AttentionCase>(setup);
  return {kernel + ", " + name, kernel, [c, invariant] {
            wl_launch at{};
            at.struct_size = sizeof at;
            if (invariant) at.flags = WL_FLAG_BATCH_INVARIANT;
            EXPECT_EQ(c->run(&at), WL_STATUS_OK) << wl_last_error();
            return c->bytes();
          }};
}

std::vector<KernelCall> attention_calls() {
  std::vector<KernelCall> calls;
  for (const int32_t type : {kSingle, kHalf, kBrain}) {
    for (int bucket = 0; bucket < cuda::kAttentionBuckets; ++bucket) {
      const cuda::AttentionTuning& tuning = cuda::attention_tuning(type != kSingle, bucket);
      for (const bool modified : {false, true}) {
        AttentionSetup s;
        s.q_dtype = s.kv_dtype = s.o_dtype = type;
        s.q_heads = s.k_heads = 1;
        s.q_lengths = {37};
        s.k_lengths = {3 * (modified ? tuning.modified_keys : tuning.keys) - 5};
        s.d_qk = tuning.d_qk;
        s.d_v = tuning.d_v;
        s.causal = s.lse = true;
        s.alibi = modified;
        std::string kernel = std::string("attention.forward.") +
                             (type == kSingle ? "float32"
                              : type == kHalf ? "float16"
                                              : "bfloat16") +
                             ".d" + std::to_string(s.d_qk);
        if (s.d_v != s.d_qk) kernel += "x" + std::to_string(s.d_v);
        if (modified) kernel += ".modified";
        calls.push_back(attention(s, kernel, "three tiles of keys"));
        if (!modified && tuning.keys != tuning.modified_keys) {
          AttentionSetup other = s;
          other.k_lengths = {3 * tuning.modified_keys - 5};
          calls.push_back(attention(other, kernel + ".invariant", "three tiles of keys", true));
          other.k_lengths = {0};
          calls.push_back(attention(other, kernel + ".invariant", "no key", true));
        }
        if (modified) {
          AttentionSetup odd = s;
          --odd.d_qk, --odd.d_v;
          odd.layout = AttentionLayout::kPaddedRows;
          calls.push_back(attention(odd, kernel, "odd rows"));
        }
        AttentionSetup none = s;
        none.k_lengths = {0};
        calls.push_back(attention(none, kernel, "no key"));
      }
    }
  }
  return calls;
}

struct KernelProof : EmulatorTest {};

TEST_F(KernelProof, NoFalseAlarmInElementwise) {
  expect_no_false_alarm(elementwise_calls("elementwise."), "elementwise.");
}
TEST_F(KernelProof, NoFalseAlarmInTheCache) {
  expect_no_false_alarm(elementwise_calls("kv_cache."), "kv_cache.");
}
TEST_F(KernelProof, NoFalseAlarmInSampling) {
  expect_no_false_alarm(elementwise_calls("sampling."), "sampling.");
}
TEST_F(KernelProof, NoFalseAlarmInProducts) { expect_no_false_alarm(gemm_calls(), "gemm."); }
TEST_F(KernelProof, NoFalseAlarmInAttention) { expect_no_false_alarm(attention_calls(), "attention."); }

TEST_F(KernelProof, ElementwiseNeedsItsSynchronisation) {
  expect_each_synchronisation_needed(elementwise_calls("elementwise."));
}
TEST_F(KernelProof, SamplingNeedsItsSynchronisation) {
  expect_each_synchronisation_needed(elementwise_calls("sampling."));
}
TEST_F(KernelProof, ProductsNeedTheirSynchronisation) {
  using emu::MutationKind;
  // Element by element nothing is under way: see the line.
  expect_each_synchronisation_needed(
      gemm_calls(), {{"_any", "cp_async_wait_group<0>()", "cp.async.wait_group", MutationKind::kSkip},
                     {"_any", "cp_async_wait_group<0>()", "cp.async.wait_group", MutationKind::kWeaken},
                     {"_any", "pipeline.wait()", "cp.async.wait_group", MutationKind::kSkip},
                     {"_any", "pipeline.wait()", "cp.async.wait_group", MutationKind::kWeaken},
                     {"_any", "pipeline.commit()", "cp.async.commit_group", MutationKind::kSkip}});
}
TEST_F(KernelProof, AttentionNeedsItsSynchronisation) {
  expect_each_synchronisation_needed(attention_calls());
}

}  // namespace
}  // namespace wl::test
