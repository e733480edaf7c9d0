#include "backend.h"

namespace wl::support {
namespace {

struct Call {
  int32_t q_type, kv_type, o_type;
  int64_t d_qk = 32, d_v = 32, q_heads = 2, k_heads = 2;
  bool q_packed = false, k_packed = false;
};

// Two queries and three keys.
wl_attention_params attention(Backend& b, const Call& c) {
  const auto tensor = [&](int32_t dtype, bool packed, int64_t rows, int64_t heads, int64_t width) {
    return packed ? b.tensor(dtype, {rows, heads, width}) : b.tensor(dtype, {1, rows, heads, width});
  };
  auto p = sized<wl_attention_params>();
  p.q = tensor(c.q_type, c.q_packed, 2, c.q_heads, c.d_qk);
  p.k = tensor(c.kv_type, c.k_packed, 3, c.k_heads, c.d_qk);
  p.v = tensor(c.kv_type, c.k_packed, 3, c.k_heads, c.d_v);
  p.o = tensor(c.o_type, c.q_packed, 2, c.q_heads, c.d_v);
  if (c.q_packed) p.cu_seqlens_q = b.offsets(2);
  if (c.k_packed) p.cu_seqlens_k = b.offsets(3);
  return p;
}

wl_status ask(const wl_attention_params& p, const Backend& b) {
  return wl_attention_supported(&p, &b.launch, nullptr, 0);
}

struct Option {
  const char* name;
  void (*of_call)(Call&);
  void (*of_params)(Backend&, const Call&, wl_attention_params&);
};

const Option kOptions[] = {
    {"grouped heads (4 share one)", [](Call& c) { c.q_heads = 4, c.k_heads = 1; }, nullptr},
    {"packed q, k and v (variable length)", [](Call& c) { c.q_packed = c.k_packed = true; }, nullptr},
    {"packed q, dense k and v", [](Call& c) { c.q_packed = true; }, nullptr},
    {"dense q, packed k and v", [](Call& c) { c.k_packed = true; }, nullptr},
    {"lengths of dense keys (seqused_k)", nullptr,
     [](Backend& b, const Call&, wl_attention_params& p) { p.seqused_k = b.tensor(WL_DTYPE_INT32, {1}); }},
    {"causal", nullptr,
     [](Backend&, const Call&, wl_attention_params& p) { p.flags |= WL_ATTENTION_CAUSAL; }},
    {"window", nullptr,
     [](Backend&, const Call&, wl_attention_params& p) {
       p.flags |= WL_ATTENTION_WINDOW;
       p.window_left = p.window_right = 1;
     }},
    {"softcap", nullptr, [](Backend&, const Call&, wl_attention_params& p) { p.softcap = 20; }},
    {"ALiBi, slopes of heads", nullptr,
     [](Backend& b, const Call& c, wl_attention_params& p) {
       p.alibi_slopes = b.tensor(WL_DTYPE_FLOAT32, {c.q_heads});
     }},
    {"ALiBi, slopes of sequences and heads", nullptr,
     [](Backend& b, const Call& c, wl_attention_params& p) {
       p.alibi_slopes = b.tensor(WL_DTYPE_FLOAT32, {1, c.q_heads});
     }},
    {"sinks", nullptr,
     [](Backend& b, const Call& c, wl_attention_params& p) {
       p.sinks = b.tensor(WL_DTYPE_FLOAT32, {c.q_heads});
     }},
    {"log-sum-exp (lse)", nullptr,
     [](Backend& b, const Call& c, wl_attention_params& p) {
       p.lse = b.tensor(WL_DTYPE_FLOAT32, {1, c.q_heads, 2});
     }},
    {"rows that are not whole 16 bytes", [](Call& c) { c.d_qk = c.d_v = 33; }, nullptr},
    {"batch-invariant", nullptr,
     [](Backend& b, const Call&, wl_attention_params&) { b.launch.flags = WL_FLAG_BATCH_INVARIANT; }},
};

}  // namespace

void attention_tables(std::string& text, Answers& answers) {
  text +=
      "## attention\n\nHead dimensions of q and k, or of q and k x of v, as examples; types of q, of k and "
      "v, of o.\n\n";
  const struct {
    const char* name;
    int64_t d_qk, d_v;
  } dimensions[] = {{"1", 1, 1},       {"32", 32, 32},    {"40", 40, 40},          {"64", 64, 64},
                    {"80", 80, 80},    {"96", 96, 96},    {"111", 111, 111},       {"128", 128, 128},
                    {"192", 192, 192}, {"256", 256, 256}, {"192 x 128", 192, 128}, {"64 x 256", 64, 256},
                    {"257", 257, 257}, {"512", 512, 512}};
  std::vector<std::string> names;
  for (const auto& dimension : dimensions) names.push_back(dimension.name);
  {
    Table table(text, answers, "q, kv, o", names);
    for (const Type& q : kTypes) {
      for (const Type& kv : kTypes) {
        for (const Type& o : kTypes) {
          table.row(
              std::string(q.name) + ", " + kv.name + ", " + o.name,
              [&](Backend& b, size_t i) {
                Call call{q.dtype, kv.dtype, o.dtype};
                call.d_qk = dimensions[i].d_qk, call.d_v = dimensions[i].d_v;
                return ask(attention(b, call), b);
              },
              true);
        }
      }
    }
  }
  text += "Options, all types alike: each alone, and in the last row together.\n\n";
  Table table(text, answers, "option", type_names());
  for (const Option& option : kOptions) {
    table.row(option.name, [&](Backend& b, size_t i) {
      Call call{kTypes[i].dtype, kTypes[i].dtype, kTypes[i].dtype};
      if (option.of_call != nullptr) option.of_call(call);
      wl_attention_params p = attention(b, call);
      if (option.of_params != nullptr) option.of_params(b, call, p);
      return ask(p, b);
    });
  }
  table.row("lengths, masks, softcap, ALiBi, sinks and lse together, grouped heads, dimensions 64 x 33",
            [&](Backend& b, size_t i) {
              Call call{kTypes[i].dtype, kTypes[i].dtype, kTypes[i].dtype};
              call.q_heads = 4, call.k_heads = 1, call.d_qk = 64, call.d_v = 33;
              wl_attention_params p = attention(b, call);
              for (const Option& option : kOptions) {
                if (option.of_params != nullptr) option.of_params(b, call, p);
              }
              return ask(p, b);
            });
}

}  // namespace wl::support
