#include "backend.h"

namespace wl::support {
namespace {

// An op from a type to a type; run, since these ops have no call that only asks.
struct Op {
  const char* name;
  wl_status (*run)(Backend&, int32_t from, int32_t to);
};

template <int32_t kKind, uint32_t kFlags>
wl_status norm(Backend& b, int32_t from, int32_t to) {
  auto p = sized<wl_norm_params>();
  p.kind = kKind;
  p.flags = kFlags;
  p.epsilon = 1e-5f;
  p.x = b.tensor(from, {2, 8});
  p.residual = b.tensor(from, {2, 8});
  p.weight = b.tensor(from, {8});
  if (kKind == WL_NORM_LAYER) p.bias = b.tensor(from, {8});
  p.y = b.tensor(to, {2, 8});
  p.residual_out = b.tensor(from, {2, 8});
  return wl_norm(&p, &b.launch);
}

template <uint32_t kFlags>
wl_status rope(Backend& b, int32_t from, int32_t to) {
  auto p = sized<wl_rope_params>();
  p.flags = kFlags;
  p.x = b.tensor(from, {2, 1, 8});
  p.y = b.tensor(to, {2, 1, 8});
  p.positions = b.tensor(WL_DTYPE_INT32, {2});
  p.cos = b.tensor(WL_DTYPE_FLOAT32, {4, 4});
  p.sin = b.tensor(WL_DTYPE_FLOAT32, {4, 4});
  return wl_rope(&p, &b.launch);
}

template <int32_t kActivation, bool kGated>
wl_status activation(Backend& b, int32_t from, int32_t to) {
  auto p = sized<wl_activation_params>();
  p.activation = kActivation;
  p.x = b.tensor(from, {2, 8});
  if (kGated) p.up = b.tensor(from, {2, 8});
  p.y = b.tensor(to, {2, 8});
  return wl_activation(&p, &b.launch);
}

wl_status embedding(Backend& b, int32_t from, int32_t to) {
  auto p = sized<wl_embedding_params>();
  p.table = b.tensor(from, {3, 8});
  p.ids = b.tensor(WL_DTYPE_INT32, {2});
  p.y = b.tensor(to, {2, 8});
  return wl_embedding(&p, &b.launch);
}

template <int32_t kKind, uint32_t kFlags>
wl_status pool(Backend& b, int32_t from, int32_t to) {
  auto p = sized<wl_pool_params>();
  p.kind = kKind;
  p.flags = kFlags;
  p.x = b.tensor(from, {2, 8});
  p.cu_seqlens = b.offsets(2);
  p.y = b.tensor(to, {1, 8});
  return wl_pool(&p, &b.launch);
}

template <uint32_t kFlags>
wl_status softmax(Backend& b, int32_t from, int32_t to) {
  auto p = sized<wl_softmax_params>();
  p.flags = kFlags;
  p.x = b.tensor(from, {2, 8});
  p.y = b.tensor(to, {2, 8});
  return wl_softmax(&p, &b.launch);
}

template <bool kRotated, bool kPacked>
wl_status append(Backend& b, int32_t from, int32_t to) {
  auto p = sized<wl_kv_append_params>();
  p.k = b.tensor(from, {2, 1, 8});
  p.v = b.tensor(from, {2, 1, 8});
  p.k_cache = b.tensor(to, {1, 4, 1, 8});
  p.v_cache = b.tensor(to, {1, 4, 1, 8});
  p.lengths = b.tensor(WL_DTYPE_INT32, {1});
  if (kPacked) p.cu_seqlens = b.offsets(2);
  if (kRotated) {
    p.cos = b.tensor(WL_DTYPE_FLOAT32, {4, 4});
    p.sin = b.tensor(WL_DTYPE_FLOAT32, {4, 4});
  }
  return wl_kv_append(&p, &b.launch);
}

const Op kOps[] = {
    {"norm, RMS", norm<WL_NORM_RMS, 0>},
    {"norm, RMS, weight minus one", norm<WL_NORM_RMS, WL_NORM_ZERO_CENTERED>},
    {"norm, LAYER", norm<WL_NORM_LAYER, 0>},
    {"rope, halves", rope<0>},
    {"rope, interleaved", rope<WL_ROPE_INTERLEAVED>},
    {"activation, GELU", activation<WL_ACTIVATION_GELU, false>},
    {"activation, GELU, tanh", activation<WL_ACTIVATION_GELU_TANH, false>},
    {"activation, SiLU", activation<WL_ACTIVATION_SILU, false>},
    {"activation, SiLU, gated", activation<WL_ACTIVATION_SILU, true>},
    {"embedding", embedding},
    {"pool, mean", pool<WL_POOL_MEAN, 0>},
    {"pool, first", pool<WL_POOL_FIRST, 0>},
    {"pool, last", pool<WL_POOL_LAST, 0>},
    {"pool, max", pool<WL_POOL_MAX, 0>},
    {"pool, mean, normalized", pool<WL_POOL_MEAN, WL_POOL_NORMALIZE>},
    {"softmax", softmax<0>},
    {"softmax, logarithm", softmax<WL_SOFTMAX_LOG>},
    {"kv_append", append<false, false>},
    {"kv_append, packed sequences", append<false, true>},
    {"kv_append, keys rotated", append<true, true>},
};

wl_status argmax(Backend& b, int32_t type) {
  auto p = sized<wl_argmax_params>();
  p.logits = b.tensor(type, {2, 8});
  p.ids = b.tensor(WL_DTYPE_INT32, {2});
  return wl_argmax(&p, &b.launch);
}

wl_status sample(Backend& b, int32_t type, bool history) {
  auto p = sized<wl_sample_params>();
  p.logits = b.tensor(type, {1, 8});
  p.settings = static_cast<const wl_sampling_row*>(b.tensor(WL_DTYPE_INT32, {12}).data);
  p.settings_count = 1;
  p.ids = b.tensor(WL_DTYPE_INT32, {1});
  p.log_probabilities = b.tensor(WL_DTYPE_FLOAT32, {1});
  if (history) {
    p.history = b.tensor(WL_DTYPE_INT32, {3});
    p.history_offsets = b.offsets(3);
  }
  return wl_sample(&p, &b.launch);
}

wl_status rope_table(Backend& b) {
  auto p = sized<wl_rope_table_params>();
  p.base = 10000;
  p.cos = b.tensor(WL_DTYPE_FLOAT32, {4, 4});
  p.sin = b.tensor(WL_DTYPE_FLOAT32, {4, 4});
  return wl_rope_table(&p, &b.launch);
}

}  // namespace

void layer_tables(std::string& text, Answers& answers) {
  text +=
      "## elementwise and kv_cache\n\nFrom the type of x (k and v, the table) to the type of y (the "
      "caches).\n\n";
  {
    std::vector<std::string> columns;
    for (const Type& from : kTypes) {
      for (const Type& to : kTypes) columns.push_back(std::string(from.name) + " to " + to.name);
    }
    Table table(text, answers, "op", columns);
    for (const Op& op : kOps) {
      table.row(op.name, [&](Backend& b, size_t i) {
        return op.run(b, kTypes[i / kTypes.size()].dtype, kTypes[i % kTypes.size()].dtype);
      });
    }
  }
  text += "The table of angles, float32.\n\n";
  {
    Table table(text, answers, "op", {"float32"});
    table.row("rope_table", [](Backend& b, size_t) { return rope_table(b); });
  }
  text += "## sampling\n\nBy the type of the logits.\n\n";
  Table table(text, answers, "op", type_names());
  table.row("argmax", [](Backend& b, size_t i) { return argmax(b, kTypes[i].dtype); });
  table.row("sample", [](Backend& b, size_t i) { return sample(b, kTypes[i].dtype, false); });
  table.row("sample, with history", [](Backend& b, size_t i) { return sample(b, kTypes[i].dtype, true); });
}

}  // namespace wl::support
