// Instances of the attention kernel and how the host launches them. A translation unit holds those of one element type and
// one score policy: a kernel and its host side together.
#pragma once

#include <string>
#include <type_traits>

#include "core/launch.h"
#include "cuda/attention/forward.h"
#include "cuda/attention/plan.h"
#include "cuda/runtime/launch.h"

namespace wl::cuda {

using AttentionLauncher = void (*)(const AttentionPlan&, const Launch&);

// One for each bucket.
struct AttentionInstances {
  AttentionLauncher launch[kAttentionBuckets];
};
extern const AttentionInstances kAttentionPlainBFloat16, kAttentionPlainFloat16, kAttentionPlainFloat32;
extern const AttentionInstances kAttentionModifiedBFloat16, kAttentionModifiedFloat16,
    kAttentionModifiedFloat32;

// "attention.forward.bfloat16.d128", "attention.forward.float16.d192x128.modified"
template <class Element, int kBucket, class Score>
std::string attention_kernel_name() {
  constexpr AttentionTuning kTuning = attention_tuning<Element, Score::kPlain>(kBucket);
  std::string name = "attention.forward.";
  name += std::is_same_v<Element, tile::BFloat16>  ? "bfloat16"
          : std::is_same_v<Element, tile::Float16> ? "float16"
                                                   : "float32";
  name += ".d" + std::to_string(kTuning.d_qk);
  if (kTuning.d_v != kTuning.d_qk) name += "x" + std::to_string(kTuning.d_v);
  return Score::kPlain ? name : name + ".modified";
}

template <class Element, int kBucket, class Score>
struct AttentionInstance {
  static constexpr AttentionTuning kTuning = attention_tuning<Element, Score::kPlain>(kBucket);
  static constexpr auto kSharedBytes =
      static_cast<uint32_t>(kTuning.shared_bytes(sizeof(typename Element::Bits)));

  std::string name = attention_kernel_name<Element, kBucket, Score>();
  Kernel<AttentionCall<Score>> kernel{name.c_str(), &attention_forward<Element, kBucket, Score>,
                                      kSharedBytes};

  static const AttentionInstance instance;

  static void launch(const AttentionPlan& plan, const Launch& at) {
    AttentionCall<Score> call{};
    call.params = plan.params;
    if constexpr (!Score::kPlain) call.score = plan.score;
    LaunchShape shape;
    shape.grid.x = plan.blocks;
    shape.threads = static_cast<uint32_t>(kTuning.threads());
    shape.shared_bytes = kSharedBytes;
    wl::cuda::launch(instance.kernel, shape, at, call);
  }
};
template <class Element, int kBucket, class Score>
const AttentionInstance<Element, kBucket, Score> AttentionInstance<Element, kBucket, Score>::instance;

template <class Element, class Score>
constexpr AttentionInstances attention_instances() {
  return {{AttentionInstance<Element, 0, Score>::launch, AttentionInstance<Element, 1, Score>::launch,
           AttentionInstance<Element, 2, Score>::launch, AttentionInstance<Element, 3, Score>::launch,
           AttentionInstance<Element, 4, Score>::launch, AttentionInstance<Element, 5, Score>::launch,
           AttentionInstance<Element, 6, Score>::launch}};
}

}  // namespace wl::cuda
