// Products, and packed weights: damaged headers, with a checksum that fits or without.
#include <cstddef>
#include <cstring>
#include <string>

#include "fuzz/call.h"

namespace wl::fuzz {
namespace {

using P = wl_gemm_params;
enum { kX, kWeight, kBias, kResidual, kY, kUpWeight, kUpBias };

#define WL_SLOT(P, field, output) \
  { #field, offsetof(P, field), output }

wl_status run(const void* params, const wl_launch* at) { return wl_gemm(static_cast<const P*>(params), at); }
wl_status ask(const void* params, const wl_launch* at) {
  return wl_gemm_supported(static_cast<const P*>(params), at, nullptr, 0);
}

struct Product {
  Call call;
  int64_t n, k;
  uint8_t present;
};

Product make(Input& input) {
  Product product{Call(sizeof(P),
                       {WL_SLOT(P, x, false), WL_SLOT(P, weight, false), WL_SLOT(P, bias, false),
                        WL_SLOT(P, residual, false), WL_SLOT(P, y, true), WL_SLOT(P, up_weight, false),
                        WL_SLOT(P, up_bias, false)},
                       input),
                  0, 0, input.byte()};
  Call& call = product.call;
  const uint8_t present = product.present;
  call.params<P>().activation = input.below(4);
  const int64_t m = input.extent();
  product.n = input.extent();
  product.k = input.extent();
  call.set(kX, call.dtype, {m, product.k});
  call.set(kY, (present & 1) != 0 ? WL_DTYPE_FLOAT32 : call.dtype, {m, product.n});
  if ((present & 2) != 0) call.set(kBias, call.dtype, {product.n});
  if ((present & 4) != 0) call.set(kResidual, WL_DTYPE_FLOAT32, {m, product.n});
  if ((present & 8) != 0) call.set(kUpBias, WL_DTYPE_FLOAT32, {product.n});
  return product;
}

// The bytes of a packed weight of zeros; a shape that is too large to be made gives none.
std::vector<unsigned char> packed(int32_t dtype, int64_t n, int64_t k) {
  wl_tensor weight{};
  weight.dtype = dtype;
  weight.rank = 2;
  weight.shape[0] = n;
  weight.shape[1] = k;
  weight.strides[0] = k;
  weight.strides[1] = 1;
  if (n > 128 || k > 128) return {};
  std::vector<float> zeros(static_cast<size_t>(n * k) + 1);
  weight.data = zeros.data();
  uint64_t bytes = 0;
  wl_gemm_pack_size(&weight, &bytes);
  std::vector<unsigned char> storage(bytes + 64);
  unsigned char* aligned = storage.data() + (64 - reinterpret_cast<uintptr_t>(storage.data()) % 64) % 64;
  wl_gemm_pack(&weight, aligned, bytes);
  return {aligned, aligned + bytes};
}

// Damages the header of packed bytes, and mends its checksum every other time.
void damage(std::vector<unsigned char>& bytes, Input& input) {
  const uint8_t count = input.below(4);
  if (bytes.size() < sizeof(wl_packed_weight_header)) return;
  for (int i = 0; i < count; ++i) {
    const int64_t value = input.value();
    std::memcpy(bytes.data() + 8 * input.below(sizeof(wl_packed_weight_header) / 8), &value, sizeof value);
  }
  if (input.below(2) == 0) return;
  uint64_t hash = 0xcbf29ce484222325u;
  const size_t end = offsetof(wl_packed_weight_header, checksum);
  for (size_t i = 0; i < end; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  std::memcpy(bytes.data() + end, &hash, sizeof hash);
}

void add_packed(Product& product, size_t address, size_t count, int32_t dtype, uint64_t* field) {
  Block block{address, count, 1, packed(dtype, product.n, product.k), false};
  damage(block.contents, product.call.input);
  *field = block.contents.size();
  product.call.add_block(std::move(block));
}

// What wl_gemm_pack takes, as one struct.
struct Pack {
  uint64_t struct_size;
  wl_tensor weight;
  void* packed;
  uint64_t packed_bytes;
};

wl_status run_pack(const void* params, const wl_launch*) {
  Pack p;
  std::memcpy(&p, params, sizeof p);
  return wl_gemm_pack(&p.weight, p.packed, p.packed_bytes);
}

}  // namespace

std::string gemm(Input& input) {
  Product product = make(input);
  Call& call = product.call;
  const int32_t type = (product.present & 16) != 0 ? WL_DTYPE_FLOAT32 : call.dtype;
  call.set(kWeight, type, {product.n, product.k});
  if ((product.present & 8) != 0) call.set(kUpWeight, call.dtype, {product.n, product.k});
  return call.check(run, ask, true);
}

std::string gemm_packed(Input& input) {
  Product product = make(input);
  Call& call = product.call;
  auto& p = call.params<P>();
  add_packed(product, offsetof(P, packed), offsetof(P, packed_bytes), call.dtype, &p.packed_bytes);
  if ((product.present & 8) != 0)
    add_packed(product, offsetof(P, up_packed), offsetof(P, up_packed_bytes), call.dtype, &p.up_packed_bytes);
  return call.check(run, ask, true);
}

std::string gemm_pack(Input& input) {
  Call call(sizeof(Pack), {{"weight", offsetof(Pack, weight), false}}, input);
  call.fixed_size = true;
  const int64_t n = input.extent(), k = input.extent();
  call.set(0, call.dtype, {n, k});
  wl_gemm_pack_size(&call.tensor(0), &call.params<Pack>().packed_bytes);
  call.add_block({offsetof(Pack, packed), offsetof(Pack, packed_bytes), 1, {}, true});
  return call.check(run_pack, nullptr, true);
}

}  // namespace wl::fuzz
