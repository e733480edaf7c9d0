// Device calls: what works on the CPU, and what a library without CUDA says.
#include <gtest/gtest.h>
#include <warpline/warpline.h>

#include <numeric>
#include <string>
#include <vector>

namespace wl::test {
namespace {

wl_launch launch_on(int32_t kind, int32_t index = 0) {
  wl_launch at{};
  at.struct_size = sizeof at;
  at.device_kind = kind;
  at.device_index = index;
  return at;
}

TEST(Device, MemoryOfTheCpuIsCopiedFilledAndCounted) {
  const int64_t before = wl_live_handles();
  const wl_launch cpu = launch_on(WL_DEVICE_CPU);
  void* memory = nullptr;
  ASSERT_EQ(wl_device_alloc(1000, &cpu, &memory), WL_STATUS_OK);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 256, 0u);
  EXPECT_EQ(wl_live_handles(), before + 1);
  std::vector<uint8_t> source(1000), result(1000);
  std::iota(source.begin(), source.end(), uint8_t{3});
  EXPECT_EQ(wl_copy(memory, source.data(), 1000, WL_COPY_TO_DEVICE, &cpu), WL_STATUS_OK);
  EXPECT_EQ(wl_fill(static_cast<uint8_t*>(memory) + 10, 200, 5, nullptr), WL_STATUS_OK);
  EXPECT_EQ(wl_stream_synchronize(&cpu), WL_STATUS_OK);
  EXPECT_EQ(wl_copy(result.data(), memory, 1000, WL_COPY_TO_HOST, nullptr), WL_STATUS_OK);
  for (size_t i = 10; i < 15; ++i) source[i] = 200;
  EXPECT_EQ(result, source);
  EXPECT_EQ(wl_host_free(memory), WL_STATUS_INVALID_ARGUMENT) << "it is not wl_host_alloc's";
  EXPECT_EQ(wl_device_free(memory, &cpu), WL_STATUS_OK);
  EXPECT_EQ(wl_live_handles(), before);
  EXPECT_EQ(wl_device_free(nullptr, &cpu), WL_STATUS_OK);
  EXPECT_EQ(wl_device_prepare(WL_DEVICE_CPU, 0), WL_STATUS_OK);
  EXPECT_EQ(wl_copy(nullptr, nullptr, 0, WL_COPY_ON_DEVICE, &cpu), WL_STATUS_OK);
}

TEST(Device, NullHandlesAreNoOps) {
  EXPECT_EQ(wl_stream_destroy(nullptr), WL_STATUS_OK);
  EXPECT_EQ(wl_event_destroy(nullptr), WL_STATUS_OK);
  EXPECT_EQ(wl_graph_destroy(nullptr), WL_STATUS_OK);
}

struct BadDeviceCall {
  const char* error;
  const char* parameter;
  wl_status status;
  wl_status (*call)();
};

wl_launch g_cpu = launch_on(WL_DEVICE_CPU), g_cuda = launch_on(WL_DEVICE_CUDA);
char g_bytes[8];
void* g_result;

TEST(Device, BadCallsNameTheParameter) {
  const BadDeviceCall calls[] = {
      {"wl_device_prepare: kind is 5; must be CPU (0) or CUDA (1)", "kind", WL_STATUS_INVALID_ARGUMENT,
       [] { return wl_device_prepare(5, 0); }},
      {"wl_device_prepare: index is 1; must be 0: there is one CPU device", "index", WL_STATUS_NO_DEVICE,
       [] { return wl_device_prepare(WL_DEVICE_CPU, 1); }},
      {"wl_device_alloc: result is NULL; must be an address", "result", WL_STATUS_INVALID_ARGUMENT,
       [] { return wl_device_alloc(8, nullptr, nullptr); }},
      {"wl_device_alloc: bytes is 18446744073709551615; the system has no such block", "bytes",
       WL_STATUS_OUT_OF_MEMORY, [] { return wl_device_alloc(UINT64_MAX, nullptr, &g_result); }},
      {"wl_device_free: memory is an address that is not live; must be an address from wl_device_alloc that "
       "was not "
       "freed",
       "memory", WL_STATUS_INVALID_ARGUMENT, [] { return wl_device_free(g_bytes, nullptr); }},
      {"wl_copy: direction is 4; must be TO_DEVICE (1), TO_HOST (2) or ON_DEVICE (3)", "direction",
       WL_STATUS_INVALID_ARGUMENT, [] { return wl_copy(g_bytes, g_bytes + 4, 4, 4, nullptr); }},
      {"wl_copy: direction is 0; must be TO_DEVICE (1), TO_HOST (2) or ON_DEVICE (3)", "direction",
       WL_STATUS_INVALID_ARGUMENT, [] { return wl_copy(g_bytes, g_bytes + 4, 4, 0, nullptr); }},
      {"wl_copy: destination is NULL; must be the address of 4 bytes", "destination",
       WL_STATUS_INVALID_ARGUMENT, [] { return wl_copy(nullptr, g_bytes, 4, WL_COPY_TO_HOST, nullptr); }},
      {"wl_copy: source is NULL; must be the address of 4 bytes", "source", WL_STATUS_INVALID_ARGUMENT,
       [] { return wl_copy(g_bytes, nullptr, 4, WL_COPY_TO_HOST, nullptr); }},
      {"wl_copy: bytes is 18446744073709551615; must be small enough for the address space", "bytes",
       WL_STATUS_INVALID_ARGUMENT,
       [] { return wl_copy(g_bytes, g_bytes, UINT64_MAX, WL_COPY_TO_HOST, nullptr); }},
      {"wl_fill: value is 256; must be from 0 to 255", "value", WL_STATUS_INVALID_ARGUMENT,
       [] { return wl_fill(g_bytes, 256, 4, nullptr); }},
      {"wl_fill: destination is NULL; must be the address of 4 bytes", "destination",
       WL_STATUS_INVALID_ARGUMENT, [] { return wl_fill(nullptr, 0, 4, nullptr); }},
      {"wl_stream_create: stream is NULL; must be an address", "stream", WL_STATUS_INVALID_ARGUMENT,
       [] { return wl_stream_create(WL_DEVICE_CPU, 0, nullptr); }},
      {"wl_stream_create: kind is CPU (0); must be CUDA (1): the CPU has no streams", "kind",
       WL_STATUS_UNSUPPORTED, [] { return wl_stream_create(WL_DEVICE_CPU, 0, &g_result); }},
      {"wl_stream_destroy: stream is an address that is not live; must be an address from wl_stream_create "
       "that was "
       "not destroyed",
       "stream", WL_STATUS_INVALID_ARGUMENT, [] { return wl_stream_destroy(g_bytes); }},
      {"wl_stream_wait_event: at.device_kind is CPU (0); must be CUDA (1): the CPU has no events",
       "at.device_kind", WL_STATUS_UNSUPPORTED, [] { return wl_stream_wait_event(g_bytes, &g_cpu); }},
      {"wl_event_create: event is NULL; must be an address", "event", WL_STATUS_INVALID_ARGUMENT,
       [] { return wl_event_create(WL_DEVICE_CPU, 0, nullptr); }},
      {"wl_event_create: kind is CPU (0); must be CUDA (1): the CPU has no events", "kind",
       WL_STATUS_UNSUPPORTED, [] { return wl_event_create(WL_DEVICE_CPU, 0, &g_result); }},
      {"wl_event_destroy: event is an address that is not live; must be an address from wl_event_create that "
       "was not "
       "destroyed",
       "event", WL_STATUS_INVALID_ARGUMENT, [] { return wl_event_destroy(g_bytes); }},
      {"wl_event_record: at.device_kind is CPU (0); must be CUDA (1): the CPU has no events",
       "at.device_kind", WL_STATUS_UNSUPPORTED, [] { return wl_event_record(g_bytes, nullptr); }},
      {"wl_graph_begin_capture: at.device_kind is CPU (0); must be CUDA (1): the CPU has no graphs",
       "at.device_kind", WL_STATUS_UNSUPPORTED, [] { return wl_graph_begin_capture(&g_cpu); }},
      {"wl_graph_end_capture: graph is NULL; must be an address", "graph", WL_STATUS_INVALID_ARGUMENT,
       [] { return wl_graph_end_capture(&g_cpu, nullptr); }},
      {"wl_graph_end_capture: at.device_kind is CPU (0); must be CUDA (1): the CPU has no graphs",
       "at.device_kind", WL_STATUS_UNSUPPORTED, [] { return wl_graph_end_capture(&g_cpu, &g_result); }},
      {"wl_graph_launch: at.device_kind is CPU (0); must be CUDA (1): the CPU has no graphs",
       "at.device_kind", WL_STATUS_UNSUPPORTED, [] { return wl_graph_launch(g_bytes, &g_cpu); }},
      {"wl_graph_destroy: graph is an address that is not live; must be an address from wl_graph_end_capture "
       "that was "
       "not destroyed",
       "graph", WL_STATUS_INVALID_ARGUMENT, [] { return wl_graph_destroy(g_bytes); }},
      {"wl_gemm_workspace_size: bytes is NULL; must be an address", "bytes", WL_STATUS_INVALID_ARGUMENT,
       [] {
         wl_gemm_params params{};
         params.struct_size = sizeof params;
         return wl_gemm_workspace_size(&params, nullptr, nullptr);
       }},
      {"wl_attention_workspace_size: bytes is NULL; must be an address", "bytes", WL_STATUS_INVALID_ARGUMENT,
       [] {
         wl_attention_params params{};
         params.struct_size = sizeof params;
         return wl_attention_workspace_size(&params, nullptr, nullptr);
       }},
  };
  for (const BadDeviceCall& bad : calls) {
    EXPECT_EQ(bad.call(), bad.status) << bad.error;
    EXPECT_STREQ(wl_last_error(), bad.error);
    EXPECT_STREQ(wl_last_error_parameter(), bad.parameter) << bad.error;
  }
}

TEST(Device, ALibraryWithoutCudaSaysSoInEachCall) {
  int32_t count = -1;
  ASSERT_EQ(wl_device_count(WL_DEVICE_CUDA, &count), WL_STATUS_OK);
  EXPECT_EQ(count, 0);
  const struct {
    const char* name;
    wl_status (*call)();
  } calls[] = {
      {"wl_device_prepare", [] { return wl_device_prepare(WL_DEVICE_CUDA, 0); }},
      {"wl_device_alloc", [] { return wl_device_alloc(8, &g_cuda, &g_result); }},
      {"wl_device_free", [] { return wl_device_free(g_bytes, &g_cuda); }},
      {"wl_copy", [] { return wl_copy(g_bytes, g_bytes + 4, 4, WL_COPY_TO_HOST, &g_cuda); }},
      {"wl_fill", [] { return wl_fill(g_bytes, 0, 4, &g_cuda); }},
      {"wl_stream_create", [] { return wl_stream_create(WL_DEVICE_CUDA, 0, &g_result); }},
      {"wl_stream_synchronize", [] { return wl_stream_synchronize(&g_cuda); }},
      {"wl_stream_wait_event", [] { return wl_stream_wait_event(g_bytes, &g_cuda); }},
      {"wl_event_create", [] { return wl_event_create(WL_DEVICE_CUDA, 0, &g_result); }},
      {"wl_event_record", [] { return wl_event_record(g_bytes, &g_cuda); }},
      {"wl_graph_begin_capture", [] { return wl_graph_begin_capture(&g_cuda); }},
      {"wl_graph_end_capture", [] { return wl_graph_end_capture(&g_cuda, &g_result); }},
      {"wl_graph_launch", [] { return wl_graph_launch(g_bytes, &g_cuda); }},
  };
  for (const auto& call : calls) {
    EXPECT_EQ(call.call(), WL_STATUS_NO_DEVICE) << call.name;
    const std::string name = call.name;
    const char* parameter =
        name.ends_with("prepare") || name.ends_with("create") ? ": kind" : ": at.device_kind";
    EXPECT_EQ(wl_last_error(),
              name + parameter + " is CUDA (1); must be CPU (0): this library was built without CUDA");
  }
  float milliseconds = 0;
  EXPECT_EQ(wl_event_synchronize(g_bytes), WL_STATUS_NO_DEVICE);
  EXPECT_STREQ(wl_last_error(), "wl_event_synchronize: this library was built without CUDA");
  EXPECT_EQ(wl_event_elapsed(g_bytes, g_bytes, &milliseconds), WL_STATUS_NO_DEVICE);
}

}  // namespace
}  // namespace wl::test
