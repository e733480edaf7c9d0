// Bad calls and the exact text of their errors: the parameter, its value, what is required. No output is
// touched. Here the core, the launch and the tensors; abi_op_errors_test.cpp has the ops.
#include "support/legal_calls.h"

namespace wl::test {
namespace {

TEST(AbiErrors, TheCallsAreLegalUntilTheyAreSpoilt) {
  Calls c;
  EXPECT_EQ(wl_norm(&c.norm, &c.launch), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_rope_table(&c.rope_table, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_rope(&c.rope, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_activation(&c.activation, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_embedding(&c.embedding, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_pool(&c.pool, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_softmax(&c.softmax, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_argmax(&c.argmax, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_sample(&c.sample, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_gemm(&c.gemm, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_attention(&c.attention, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(wl_kv_append(&c.append, nullptr), WL_STATUS_OK) << wl_last_error();
}

TEST(AbiErrors, Core) {
  expect_errors({
      {"wl_set_option: name is \"thread\"; must be one of threads, cpu_isa, gemm.kernel, attention.kernel",
       "name", kInvalid, [](Calls&) { return wl_set_option("thread", "2"); }},
      {"wl_set_option: value is \"0\"; must be a number from 1 to 256, or auto", "value", kInvalid,
       [](Calls&) { return wl_set_option("threads", "0"); }},
      {"wl_set_option: value is \"sse2\"; must be avx2, avx512, avx512_bf16, or auto", "value", kInvalid,
       [](Calls&) { return wl_set_option("cpu_isa", "sse2"); }},
      {"wl_get_option: value_bytes is 3; must be at least 5", "value_bytes", kInvalid,
       [](Calls&) {
         char text[3];
         return wl_get_option("gemm.kernel", text, sizeof text);
       }},
      {"wl_device_count: kind is 7; must be CPU (0) or CUDA (1)", "kind", kInvalid,
       [](Calls&) {
         int32_t count = 0;
         return wl_device_count(7, &count);
       }},
      {"wl_device_get_info: index is 1; must be 0: there is one CPU device", "index", kNoDevice,
       [](Calls&) {
         wl_device_info info{};
         info.struct_size = sizeof info;
         return wl_device_get_info(WL_DEVICE_CPU, 1, &info);
       }},
      {"wl_host_alloc: result is NULL; must be an address", "result", kInvalid,
       [](Calls&) { return wl_host_alloc(64, nullptr); }},
      {"wl_softmax: params is NULL; must be the address of a struct", "params", kInvalid,
       [](Calls&) { return wl_softmax(nullptr, nullptr); }},
  });
}

TEST(AbiErrors, Launch) {
  expect_errors({
      {"wl_softmax: at.device_kind is CUDA (1); must be CPU (0): this library was built without CUDA",
       "at.device_kind", kNoDevice,
       [](Calls& c) {
         c.launch.device_kind = WL_DEVICE_CUDA;
         return wl_softmax(&c.softmax, &c.launch);
       }},
      {"wl_argmax: at.device_index is 3; must be 0: there is one CPU device", "at.device_index", kNoDevice,
       [](Calls& c) {
         c.launch.device_index = 3;
         return wl_argmax(&c.argmax, &c.launch);
       }},
      {"wl_norm: at.stream is not NULL; must be NULL on the CPU", "at.stream", kInvalid,
       [](Calls& c) {
         c.launch.stream = &c;
         return wl_norm(&c.norm, &c.launch);
       }},
      {"wl_sample: at.flags is 0x8; must be a combination of 0x1", "at.flags", kUnsupported,
       [](Calls& c) {
         c.launch.flags = 8;
         return wl_sample(&c.sample, &c.launch);
       }},
  });
}

TEST(AbiErrors, Tensors) {
  expect_errors({
      {"wl_softmax: x is absent (dtype 0); must be given, as float32, float16 or bfloat16", "x", kInvalid,
       [](Calls& c) {
         c.softmax.x.dtype = WL_DTYPE_NONE;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: x.dtype is unknown (99); must be float32, float16 or bfloat16", "x.dtype", kInvalid,
       [](Calls& c) {
         c.softmax.x.dtype = 99;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: x.rank is 3; must be 2", "x.rank", kInvalid,
       [](Calls& c) {
         c.softmax.x.rank = 3;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_norm: x.rank is 0; must be 1 to 4", "x.rank", kInvalid,
       [](Calls& c) {
         c.norm.x.rank = 0;
         return wl_norm(&c.norm, nullptr);
       }},
      {"wl_softmax: x.shape[0] is -2; must be at least 0", "x.shape[0]", kInvalid,
       [](Calls& c) {
         c.softmax.x.shape[0] = -2;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: x.strides[0] is -4; must be at least 0", "x.strides[0]", kInvalid,
       [](Calls& c) {
         c.softmax.x.strides[0] = -4;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: x.strides[1] is 2; must be 1", "x.strides[1]", kInvalid,
       [](Calls& c) {
         c.softmax.x.strides[1] = 2;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: x.shape[1] is 4611686018427387904; must be small enough for a tensor of under 2^63 bytes",
       "x.shape[1]", kInvalid,
       [](Calls& c) {
         c.softmax.x.shape[1] = int64_t{1} << 62;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: x.data is NULL; must be an address: the tensor is not empty", "x.data", kInvalid,
       [](Calls& c) {
         c.softmax.x.data = nullptr;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: x.data is misaligned; must be aligned to its elements of 4 bytes", "x.data", kInvalid,
       [](Calls& c) {
         c.softmax.x.data = static_cast<char*>(c.softmax.x.data) + 2;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: x.reserved is set; must be zero", "x.reserved", kUnsupported,
       [](Calls& c) {
         c.softmax.x.reserved[1] = 1;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: y.shape[1] is 3; must be 4, the extent of x", "y.shape[1]", kInvalid,
       [](Calls& c) {
         c.softmax.y.shape[1] = 3;
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: y.dtype is float16 (2); must be float32, x's type or float32", "y.dtype", kInvalid,
       [](Calls& c) {
         c.softmax.y = c.half.view();
         return wl_softmax(&c.softmax, nullptr);
       }},
      {"wl_softmax: y.strides[0] is 3; must be at least 4: elements of an output must not share memory",
       "y.strides[0]", kInvalid,
       [](Calls& c) {
         c.softmax.y.strides[0] = 3;
         return wl_softmax(&c.softmax, nullptr);
       }},
  });
}

}  // namespace
}  // namespace wl::test
