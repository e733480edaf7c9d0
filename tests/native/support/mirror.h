// The C ABI's ops on the device under test: an op's tensors are copied to device memory, the op runs there, and the tensors
// come back, so that a test written for host memory proves the kernels of any device.
//
// A test program that is built for a device is compiled with this header in front (-include): its calls of wl_gemm and so
// on become calls of wl::test::mirrored. Memory of tensors that overlap is one piece on the device too. Each piece lies
// between guard bands, which must come back untouched.
#pragma once

#include <warpline/warpline.h>

#include <functional>
#include <vector>

namespace wl::test {

// `at` gives the flags; NULL means none.
wl_status mirrored(const wl_attention_params* params, const wl_launch* at);
wl_status mirrored(const wl_gemm_params* params, const wl_launch* at);
wl_status mirrored(const wl_kv_append_params* params, const wl_launch* at);
wl_status mirrored(const wl_norm_params* params, const wl_launch* at);
wl_status mirrored(const wl_rope_params* params, const wl_launch* at);
wl_status mirrored(const wl_rope_table_params* params, const wl_launch* at);
wl_status mirrored(const wl_activation_params* params, const wl_launch* at);
wl_status mirrored(const wl_embedding_params* params, const wl_launch* at);
wl_status mirrored(const wl_pool_params* params, const wl_launch* at);
wl_status mirrored(const wl_softmax_params* params, const wl_launch* at);
wl_status mirrored(const wl_argmax_params* params, const wl_launch* at);
wl_status mirrored(const wl_sample_params* params, const wl_launch* at);

// In place of for_each_setting (support/matrix.h), whose settings are the CPU's: runs twice, and the bits must agree.
void for_each_repeat(const std::function<void()>& run,
                     const std::function<std::vector<unsigned char>()>& result,
                     const std::function<void()>& check);

}  // namespace wl::test

// Whether calls go to a device.
#define WL_TEST_ON_DEVICE 1
#define for_each_setting for_each_repeat
#define wl_attention ::wl::test::mirrored
#define wl_gemm ::wl::test::mirrored
#define wl_kv_append ::wl::test::mirrored
#define wl_norm ::wl::test::mirrored
#define wl_rope ::wl::test::mirrored
#define wl_rope_table ::wl::test::mirrored
#define wl_activation ::wl::test::mirrored
#define wl_embedding ::wl::test::mirrored
#define wl_pool ::wl::test::mirrored
#define wl_softmax ::wl::test::mirrored
#define wl_argmax ::wl::test::mirrored
#define wl_sample ::wl::test::mirrored
