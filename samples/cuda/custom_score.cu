// A score modifier of one's own in the attention kernel: the lines between the markers are all it takes. The file is
// compiled with the library's sources (native/src) on the include path and linked with its objects; no kernel of the library
// is edited. nvcc compiles it for a GPU, g++ for the emulator.
#include "core/params.h"
#include "cuda/attention/custom.h"
#include "custom_score.h"

namespace {

using namespace wl::cuda;

// [the modifier
struct RelativeBias : ScoreModifier {
  static constexpr const char* kName = ".relative_bias";
  float scale;
  Global<const uint32_t> bias;  // float32 [heads, distances]
  int distances;

  WL_DEVICE auto for_head(int, int head) const {
    const auto of_head = bias + static_cast<int64_t>(head) * distances;
    return [of_head, factor = scale, last = distances - 1](float product, int position, int key) {
      const int distance = position > key ? position - key : key - position;
      const float learned =
          ptx::mov_f32_b32(ptx::ld_global_nc_b32(of_head + (distance < last ? distance : last)));
      return ptx::fma_rn_f32(product, factor, learned);
    };
  }
};

void run(const wl_attention_params& p, const RelativeBias& score, const wl_launch* at) {
  attention_with_score<tile::BFloat16>(p, score, wl::read_launch(at));
}
// the modifier]

}  // namespace

wl_status attention_with_relative_bias(const wl_attention_params* params, float scale, const float* bias,
                                       int32_t distances, const wl_launch* at) {
  const wl_status status = wl_attention_supported(params, at, nullptr, 0);
  if (status != WL_STATUS_OK) return status;
  return wl::guard("attention_with_relative_bias", [&] {
    const wl_attention_params p = wl::read_params(params);
    if (p.q.dtype != WL_DTYPE_BFLOAT16)
      wl::fail(WL_STATUS_UNSUPPORTED, "q.dtype", wl::text(p.q.dtype), "bfloat16");
    if (at == nullptr || at->device_kind != WL_DEVICE_CUDA)
      wl::fail(WL_STATUS_UNSUPPORTED, "at.device_kind", "CPU", "CUDA (1)");
    if (p.scale != 0)
      wl::invalid("params.scale", wl::text(static_cast<double>(p.scale)), "0: scale is an argument");
    if (p.softcap != 0) wl::invalid("params.softcap", wl::text(static_cast<double>(p.softcap)), "0");
    if (p.alibi_slopes.dtype != WL_DTYPE_NONE) wl::invalid("params.alibi_slopes", "given", "absent");
    if (bias == nullptr) wl::invalid("bias", "NULL", "an address of the device");
    if (distances < 1) wl::invalid("distances", wl::text(distances), "at least 1");
    run(p, RelativeBias{{}, scale, {reinterpret_cast<const uint32_t*>(bias)}, distances}, at);
  });
}
