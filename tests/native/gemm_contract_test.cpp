// What wl_gemm, wl_gemm_supported and the packing functions refuse, and the bytes of packed weights.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "support/gemm_case.h"

namespace wl::test {
namespace {

GemmOptions packed_options() {
  GemmOptions o;
  o.packed = true;
  return o;
}

struct BadCall {
  const char* text;  // of wl_last_error, exactly
  wl_status status;
  std::function<void(wl_gemm_params&)> spoil;
};

const std::vector<BadCall> kBadCalls = {
    {"wl_gemm: activation is 9; must be NONE (0), GELU (1), GELU_TANH (2), SILU (3) or RELU (4)",
     WL_STATUS_INVALID_ARGUMENT, [](wl_gemm_params& p) { p.activation = 9; }},
    {"wl_gemm: x.dtype is int32 (4); must be float32, float16 or bfloat16", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.x.dtype = WL_DTYPE_INT32; }},
    {"wl_gemm: x.strides[1] is 2; must be 1", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.x.strides[1] = 2; }},
    {"wl_gemm: weight is absent; must be given, as a tensor or as packed bytes", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.weight = {}; }},
    {"wl_gemm: weight.shape[1] is 3; must be 4, the K of x", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.weight.shape[1] = 3; }},
    {"wl_gemm: packed is given beside weight; must be one of the two only", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) {
       static const Packed packed(Buffer::floats(WL_DTYPE_FLOAT32, {5, 4}, std::vector<double>(20)).view());
       p.packed = packed.data();
       p.packed_bytes = packed.size();
     }},
    {"wl_gemm: packed is NULL with 64 bytes; must be an address, or of 0 bytes", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.packed_bytes = 64; }},
    {"wl_gemm: y.shape[0] is 4; must be 3, the M of x", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.y.shape[0] = 4; }},
    {"wl_gemm: y.dtype is float16 (2); must be float32, x's type or float32", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.y.dtype = WL_DTYPE_FLOAT16; }},
    {"wl_gemm: y.strides[0] is 2; must be at least 5: rows of y must not overlap", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.y.strides[0] = 2; }},
    {"wl_gemm: bias.shape[0] is 4; must be 5, the N of weight", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.bias.shape[0] = 4; }},
    {"wl_gemm: up_bias is given without a second weight; must be absent", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.up_bias = p.bias; }},
    {"wl_gemm: up_weight.shape[0] is 4; must be 5, the N of weight", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) {
       p.up_weight = p.weight;
       p.up_weight.shape[0] = 4;
     }},
    {"wl_gemm: residual.shape[1] is 4; must be 5, the extent of y", WL_STATUS_INVALID_ARGUMENT,
     [](wl_gemm_params& p) { p.residual.shape[1] = 4; }},
    {"wl_gemm: params.struct_size is 4; must be the size of the struct, 936 in this version",
     WL_STATUS_INVALID_ARGUMENT, [](wl_gemm_params& p) { p.struct_size = 4; }},
};

TEST(GemmContract, BadCallsNameParameterValueAndRequirement) {
  GemmOptions o;
  o.bias_type = o.residual_type = WL_DTYPE_FLOAT32;
  for (const BadCall& bad : kBadCalls) {
    GemmCase c({3, 5, 4}, o);
    wl_gemm_params p = c.params();
    bad.spoil(p);
    EXPECT_EQ(wl_gemm(&p, nullptr), bad.status) << bad.text;
    EXPECT_STREQ(wl_last_error(), bad.text);
    for (const double value : c.result()) EXPECT_TRUE(value != value) << "written by a call that failed";
    char reason[200];
    EXPECT_EQ(wl_gemm_supported(&p, nullptr, reason, sizeof reason), bad.status);
    EXPECT_STREQ(reason, bad.text);
  }
}

TEST(GemmContract, Float16WithBFloat16IsUnsupported) {
  GemmOptions o;
  o.x_type = WL_DTYPE_FLOAT16, o.y_type = WL_DTYPE_FLOAT32, o.weight_type = WL_DTYPE_BFLOAT16;
  GemmCase plain({3, 5, 4}, o);
  wl_gemm_params p = plain.params();
  EXPECT_EQ(wl_gemm(&p, nullptr), WL_STATUS_UNSUPPORTED);
  EXPECT_STREQ(wl_last_error(),
               "wl_gemm: x.dtype is float16 (2); must be float32 or the type of weight, bfloat16 (3)");
  o.packed = true;
  GemmCase packed({3, 5, 4}, o);
  p = packed.params();
  EXPECT_EQ(wl_gemm(&p, nullptr), WL_STATUS_UNSUPPORTED);
  EXPECT_STREQ(wl_last_error(),
               "wl_gemm: x.dtype is float16 (2); must be float32 or the type of packed, bfloat16 (3)");
}

TEST(GemmContract, SupportedSaysYesAndCutsTheReason) {
  GemmCase c({3, 5, 4}, {});
  wl_gemm_params p = c.params();
  char reason[8] = "before";
  EXPECT_EQ(wl_gemm_supported(&p, nullptr, reason, sizeof reason), WL_STATUS_OK);
  EXPECT_STREQ(reason, "");
  EXPECT_EQ(wl_gemm_supported(&p, nullptr, nullptr, 0), WL_STATUS_OK);
  p.activation = -1;
  EXPECT_EQ(wl_gemm_supported(&p, nullptr, reason, sizeof reason), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(reason, "wl_gemm");
}

// Every byte of the header matters: any single change is refused, and y stays untouched.
TEST(GemmContract, DamagedPackedHeadersAreRefused) {
  GemmCase c({3, 5, 4}, packed_options());
  wl_gemm_params p = c.params();
  auto* header = static_cast<unsigned char*>(c.packed.data());
  for (size_t byte = 0; byte < sizeof(wl_packed_weight_header); ++byte) {
    for (const unsigned char flip : {0x01, 0x80}) {
      header[byte] ^= flip;
      const wl_status status = wl_gemm(&p, nullptr);
      EXPECT_TRUE(status == WL_STATUS_INVALID_ARGUMENT || status == WL_STATUS_UNSUPPORTED) << "byte " << byte;
      header[byte] ^= flip;
    }
  }
  for (const double value : c.result()) EXPECT_TRUE(value != value);
  EXPECT_EQ(wl_gemm(&p, nullptr), WL_STATUS_OK);
}

// A forger can mend the checksum: each field is checked for itself too.
TEST(GemmContract, ForgedPackedHeadersAreRefused) {
  const auto mend = [](wl_packed_weight_header& header) {
    uint64_t hash = 14695981039346656037u;
    const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
    for (size_t i = 0; i < offsetof(wl_packed_weight_header, checksum); ++i)
      hash = (hash ^ bytes[i]) * 1099511628211u;
    header.checksum = hash;
  };
  struct Forgery {
    const char* parameter;
    std::function<void(wl_packed_weight_header&)> change;
  };
  const std::vector<Forgery> forgeries = {
      {"packed.magic", [](auto& h) { h.magic = 1; }},
      {"packed.version", [](auto& h) { h.version = 2; }},
      {"packed.layout", [](auto& h) { h.layout = 7; }},
      {"packed.dtype", [](auto& h) { h.dtype = WL_DTYPE_INT32; }},
      {"packed.dtype", [](auto& h) { h.dtype = -5; }},
      {"packed.dtype", [](auto& h) { h.dtype = 1 << 30; }},
      {"packed.reserved", [](auto& h) { h.reserved0 = 1; }},
      {"packed.n", [](auto& h) { h.n = -16; }},
      {"packed.k", [](auto& h) { h.k = INT64_MIN; }},
      {"packed", [](auto& h) { h.n = INT64_MAX; }},
      {"packed", [](auto& h) { h.n = h.k = int64_t{1} << 40; }},
      {"packed.bytes", [](auto& h) { h.n = 17; }},
      {"packed.bytes", [](auto& h) { h.bytes = 0; }},
      {"packed.bytes", [](auto& h) { h.bytes = UINT64_MAX; }},
      {"y.shape[1]",
       [](auto& h) {
         h.n = 6;  // the same panels, but not what y has
       }},
      {"packed_bytes",
       [](auto& h) {
         h.n = 32;
         h.bytes = 64 + 32 * 4 * 4;  // right for its shape, but not there
       }},
  };
  for (const Forgery& forgery : forgeries) {
    GemmCase c({3, 5, 4}, packed_options());
    wl_gemm_params p = c.params();
    auto& header = *static_cast<wl_packed_weight_header*>(c.packed.data());
    forgery.change(header);
    mend(header);
    const wl_status status = wl_gemm(&p, nullptr);
    EXPECT_NE(status, WL_STATUS_OK) << forgery.parameter;
    EXPECT_STREQ(wl_last_error_parameter(), forgery.parameter) << wl_last_error();
  }
}

TEST(GemmContract, TooFewPackedBytes) {
  GemmCase c({3, 5, 4}, packed_options());
  wl_gemm_params p = c.params();
  p.packed_bytes = 63;
  EXPECT_EQ(wl_gemm(&p, nullptr), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(), "wl_gemm: packed_bytes is 63; must be at least 64");
  p.packed_bytes = c.packed.size() - 1;
  EXPECT_EQ(wl_gemm(&p, nullptr), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(),
               "wl_gemm: packed_bytes is 319; must be at least 320, the bytes of its header");
}

TEST(GemmContract, PackRefuses) {
  const Buffer weight = Buffer::floats(WL_DTYPE_BFLOAT16, {5, 4}, std::vector<double>(20));
  const wl_tensor view = weight.view();
  uint64_t bytes = 0;
  ASSERT_EQ(wl_gemm_pack_size(&view, &bytes), WL_STATUS_OK);
  EXPECT_EQ(bytes, 64u + 16 * 4 * 2);
  alignas(64) unsigned char memory[512];
  EXPECT_EQ(wl_gemm_pack_size(nullptr, &bytes), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(), "wl_gemm_pack_size: weight is NULL; must be the address of a tensor");
  EXPECT_EQ(wl_gemm_pack_size(&view, nullptr), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(wl_gemm_pack(&view, nullptr, bytes), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(), "wl_gemm_pack: packed is NULL; must be an address");
  EXPECT_EQ(wl_gemm_pack(&view, memory + 32, bytes), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(), "wl_gemm_pack: packed is misaligned; must be aligned to 64 bytes");
  EXPECT_EQ(wl_gemm_pack(&view, memory, bytes - 1), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(wl_last_error(), "wl_gemm_pack: packed_bytes is 191; must be at least 192");
  wl_tensor huge = view;
  huge.shape[0] = huge.shape[1] = int64_t{1} << 31;
  huge.strides[0] = 0;
  huge.data = nullptr;  // the size is a matter of shape and type only
  EXPECT_EQ(wl_gemm_pack_size(&huge, &bytes), WL_STATUS_INVALID_ARGUMENT);
}

// The layout that the header describes, element by element, and the same bytes from strided rows.
TEST(GemmContract, PackedBytesFollowTheDocumentedLayout) {
  for (const int32_t type : {WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16}) {
    for (const auto& [n, k] :
         std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {16, 8}, {35, 531}, {33, 1200}}) {
      Random random(3);
      const Buffer weight = Buffer::floats(type, {n, k}, random.normals(n * k));
      Buffer wide(type, {n, k + 3});
      for (int64_t i = 0; i < n * k; ++i) wide.set(i / k * (k + 3) + i % k, weight.get(i));
      wl_tensor strided = wide.view();
      strided.shape[1] = k;
      const Packed packed(weight.view()), again(strided);
      ASSERT_EQ(packed.size(), again.size());
      EXPECT_EQ(std::memcmp(packed.data(), again.data(), packed.size()), 0);
      const int64_t group = type == WL_DTYPE_FLOAT32 ? 1 : 2, size = element_size(type);
      const int64_t steps = (k + group - 1) / group, panels = (n + 15) / 16;
      ASSERT_EQ(packed.size(), 64 + static_cast<uint64_t>(panels * 16 * steps * group * size));
      const auto* elements = static_cast<const unsigned char*>(packed.data()) + 64;
      const auto* source = static_cast<const unsigned char*>(weight.view().data);
      for (int64_t i = 0; i < panels * 16 * steps * group; ++i) {
        const int64_t half = i % group, row = i / group % 16, step = i / group / 16 % steps;
        const int64_t column = step * group + half, at = i / (group * 16 * steps) * 16 + row;
        const unsigned char zero[4] = {};
        const unsigned char* expected = at < n && column < k ? source + (at * k + column) * size : zero;
        ASSERT_EQ(std::memcmp(elements + i * size, expected, static_cast<size_t>(size)), 0)
            << "element " << i;
      }
    }
  }
}

}  // namespace
}  // namespace wl::test
