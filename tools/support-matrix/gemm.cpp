#include "backend.h"

namespace wl::support {
namespace {

wl_gemm_params gemm(Backend& b, int32_t x, int32_t weight, int32_t y) {
  auto p = sized<wl_gemm_params>();
  p.x = b.tensor(x, {3, 8});
  p.weight = b.tensor(weight, {5, 8});
  p.y = b.tensor(y, {3, 5});
  return p;
}

wl_status ask(const wl_gemm_params& p, const Backend& b) {
  return wl_gemm_supported(&p, &b.launch, nullptr, 0);
}

}  // namespace

void gemm_tables(std::string& text, Answers& answers) {
  text += "## gemm\n\nAny M, N and K. Types of x and of the weight, by the type of y.\n\n";
  {
    Table table(text, answers, "x, weight", type_names());
    for (const Type& x : kTypes) {
      for (const Type& weight : kTypes) {
        table.row(
            std::string(x.name) + ", " + weight.name,
            [&](Backend& b, size_t i) { return ask(gemm(b, x.dtype, weight.dtype, kTypes[i].dtype), b); },
            true);
      }
    }
  }
  text += "Options, by the type of x, weight and y.\n\n";
  Table table(text, answers, "option", type_names());
  const auto plain = [](Backend& b, size_t i) {
    return gemm(b, kTypes[i].dtype, kTypes[i].dtype, kTypes[i].dtype);
  };
  for (const Type& type : kTypes) {
    table.row(std::string("bias of ") + type.name, [&](Backend& b, size_t i) {
      wl_gemm_params p = plain(b, i);
      p.bias = b.tensor(type.dtype, {5});
      return ask(p, b);
    });
    table.row(std::string("residual of ") + type.name, [&](Backend& b, size_t i) {
      wl_gemm_params p = plain(b, i);
      p.residual = b.tensor(type.dtype, {3, 5});
      return ask(p, b);
    });
  }
  const struct {
    const char* name;
    int32_t activation;
  } activations[] = {
      {"GELU", WL_ACTIVATION_GELU}, {"GELU, tanh", WL_ACTIVATION_GELU_TANH}, {"SiLU", WL_ACTIVATION_SILU}};
  for (const auto& activation : activations) {
    table.row(activation.name, [&](Backend& b, size_t i) {
      wl_gemm_params p = plain(b, i);
      p.activation = activation.activation;
      return ask(p, b);
    });
    table.row(std::string(activation.name) + ", gated", [&](Backend& b, size_t i) {
      wl_gemm_params p = plain(b, i);
      p.activation = activation.activation;
      p.up_weight = b.tensor(kTypes[i].dtype, {5, 8});
      return ask(p, b);
    });
  }
  table.row("packed weight", [&](Backend& b, size_t i) {
    Backend host(WL_DEVICE_CPU);
    const wl_tensor weight = host.tensor(kTypes[i].dtype, {5, 8}),
                    packed = host.tensor(WL_DTYPE_FLOAT32, {1024});
    wl_gemm_params p = plain(b, i);
    p.weight = {};
    require(wl_gemm_pack_size(&weight, &p.packed_bytes));
    require(wl_gemm_pack(&weight, packed.data, p.packed_bytes));
    p.packed = packed.data;
    return ask(p, b);
  });
  table.row("batch-invariant", [&](Backend& b, size_t i) {
    b.launch.flags = WL_FLAG_BATCH_INVARIANT;
    return ask(plain(b, i), b);
  });
}

}  // namespace wl::support
