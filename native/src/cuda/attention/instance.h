// Instances of the attention kernel and how the host launches them. A translation unit holds those of one element type and
// one kind of score: a kernel and its host side together.
#pragma once

#include <string>
#include <type_traits>

#include "core/launch.h"
#include "cuda/attention/forward.h"
#include "cuda/attention/plan.h"
#include "cuda/runtime/launch.h"

namespace wl::cuda {

// One for each bucket.
template <class Score>
struct AttentionInstances {
  void (*launch[kAttentionBuckets])(const AttentionPlan&, const Score&, const Launch&);
};
extern const AttentionInstances<PlainScore> kAttentionPlainBFloat16, kAttentionPlainFloat16,
    kAttentionPlainFloat32;
// Null where the tiles are those of the plain kernel anyway.
extern const AttentionInstances<PlainInvariantScore> kAttentionInvariantBFloat16, kAttentionInvariantFloat16,
    kAttentionInvariantFloat32;
extern const AttentionInstances<ModifiedScore> kAttentionModifiedBFloat16, kAttentionModifiedFloat16,
    kAttentionModifiedFloat32;

// "attention.forward.bfloat16.d128", "attention.forward.float16.d192x128.modified"
template <class Element, int kBucket, class Score>
std::string attention_kernel_name() {
  constexpr AttentionTuning kTuning = attention_tuning<Element, Score>(kBucket);
  std::string name = "attention.forward.";
  name += std::is_same_v<Element, tile::BFloat16>  ? "bfloat16"
          : std::is_same_v<Element, tile::Float16> ? "float16"
                                                   : "float32";
  name += ".d" + std::to_string(kTuning.d_qk);
  if (kTuning.d_v != kTuning.d_qk) name += "x" + std::to_string(kTuning.d_v);
  return name + Score::kName;
}

template <class Element, int kBucket, class Score>
struct AttentionInstance {
  static constexpr AttentionTuning kTuning = attention_tuning<Element, Score>(kBucket);
  static constexpr auto kSharedBytes =
      static_cast<uint32_t>(kTuning.shared_bytes(sizeof(typename Element::Bits)));

  std::string name = attention_kernel_name<Element, kBucket, Score>();
  Kernel<AttentionCall<Score>> kernel{name.c_str(), &attention_forward<Element, kBucket, Score>,
                                      kSharedBytes};

  static const AttentionInstance instance;

  static void launch(const AttentionPlan& plan, const Score& score, const Launch& at) {
    const AttentionCall<Score> call{plan.params, score};
    LaunchShape shape;
    shape.grid.x = plan.blocks;
    shape.threads = static_cast<uint32_t>(kTuning.threads());
    shape.shared_bytes = kSharedBytes;
    wl::cuda::launch(instance.kernel, shape, at, call);
  }
};
template <class Element, int kBucket, class Score>
const AttentionInstance<Element, kBucket, Score> AttentionInstance<Element, kBucket, Score>::instance;

template <class Element, int kBucket, class Score>
constexpr auto attention_launcher() -> void (*)(const AttentionPlan&, const Score&, const Launch&) {
  constexpr bool kSameAsPlain =
      attention_tuning<Element, Score>(kBucket).keys == attention_tuning<Element, PlainScore>(kBucket).keys;
  if constexpr (std::is_same_v<Score, PlainInvariantScore> && kSameAsPlain) {
    return nullptr;
  } else {
    return AttentionInstance<Element, kBucket, Score>::launch;
  }
}

template <class Element, class Score>
constexpr AttentionInstances<Score> attention_instances() {
  return {{attention_launcher<Element, 0, Score>(), attention_launcher<Element, 1, Score>(),
           attention_launcher<Element, 2, Score>(), attention_launcher<Element, 3, Score>(),
           attention_launcher<Element, 4, Score>(), attention_launcher<Element, 5, Score>(),
           attention_launcher<Element, 6, Score>()}};
}

}  // namespace wl::cuda
