// Capture and graphs of the emulated host side.
#include "host.h"

namespace wl::test {
namespace {

using HostGraphs = HostTest;

TEST_F(HostGraphs, ACapturedSequenceRunsAtEachLaunch) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    random_schedule(seed);
    StreamLaunch at;
    DeviceNumbers x(at, 33, 1);
    uint32_t out = 0;
    ASSERT_WL_OK(wl_graph_begin_capture(&at));
    run_affine(at, x, x, 10, 1);
    run_affine(at, x, x, 10, 2);
    ASSERT_WL_OK(wl_copy(&out, static_cast<uint32_t*>(x.data) + 32, 4, WL_COPY_TO_HOST, &at));
    void* graph = nullptr;
    ASSERT_WL_OK(wl_graph_end_capture(&at, &graph));
    EXPECT_EQ(x.read(at)[0], 1u) << "a capture runs nothing";
    emu::clear_host_counts();
    ASSERT_WL_OK(wl_graph_launch(graph, &at));
    EXPECT_EQ(out, 0u);
    at.synchronize();
    EXPECT_EQ(out, 112u);
    ASSERT_WL_OK(wl_graph_launch(graph, &at));
    run_affine(at, x, x, 1, 5);
    ASSERT_WL_OK(wl_graph_launch(graph, &at));
    at.synchronize();
    EXPECT_EQ(out, (11212u + 5) * 100 + 12);
    const emu::HostCounts counts = emu::host_counts();
    EXPECT_EQ(counts.graph_launches, 3u);
    EXPECT_EQ(counts.launches, 1u);
    EXPECT_EQ(counts.allocations, 0u);
    EXPECT_EQ(counts.synchronisations, 2u);
    EXPECT_WL_OK(wl_graph_destroy(graph));
    EXPECT_EQ(wl_graph_launch(graph, &at), WL_STATUS_INVALID_ARGUMENT);
    EXPECT_STREQ(wl_last_error_parameter(), "graph");
  }
}

TEST_F(HostGraphs, AnotherStreamJoinsByAnEventAndComesBack) {
  for (uint64_t seed = 0; seed < 16; ++seed) {
    random_schedule(seed);
    StreamLaunch at, side;
    DeviceNumbers x(at, 1, 1), y(at, 1, 0);
    void *fork = nullptr, *join = nullptr, *graph = nullptr;
    ASSERT_WL_OK(wl_event_create(WL_DEVICE_CUDA, 0, &fork));
    ASSERT_WL_OK(wl_event_create(WL_DEVICE_CUDA, 0, &join));
    ASSERT_WL_OK(wl_graph_begin_capture(&at));
    run_affine(at, x, x, 10, 1);
    ASSERT_WL_OK(wl_event_record(fork, &at));
    ASSERT_WL_OK(wl_stream_wait_event(fork, &side));
    run_affine(side, x, y, 10, 2);
    ASSERT_WL_OK(wl_event_record(join, &side));
    ASSERT_WL_OK(wl_stream_wait_event(join, &at));
    run_affine(at, y, x, 10, 3);
    ASSERT_WL_OK(wl_graph_end_capture(&at, &graph));
    for (int i = 0; i < 2; ++i) ASSERT_WL_OK(wl_graph_launch(graph, &at));
    EXPECT_EQ(x.read(at)[0], 1123123u);
    for (void* event : {fork, join}) EXPECT_WL_OK(wl_event_destroy(event));
    EXPECT_WL_OK(wl_graph_destroy(graph));
  }
}

TEST_F(HostGraphs, IllegalCallsDuringCaptureFailAreCountedAndSpoilIt) {
  StreamLaunch at;
  DeviceNumbers x(at, 1, 1);
  void* event = nullptr;
  ASSERT_WL_OK(wl_event_create(WL_DEVICE_CUDA, 0, &event));
  const auto illegal = [&](const char* what, auto&& call, bool spoils, bool counted) {
    emu::clear_host_counts();
    ASSERT_WL_OK(wl_graph_begin_capture(&at)) << what;
    EXPECT_EQ(call(), WL_STATUS_INVALID_ARGUMENT) << what;
    EXPECT_EQ(emu::host_counts().illegal_in_capture, counted ? 1u : 0u) << what;
    void* graph = &graph;
    EXPECT_EQ(wl_graph_end_capture(&at, &graph), spoils ? WL_STATUS_INVALID_ARGUMENT : WL_STATUS_OK) << what;
    EXPECT_WL_OK(wl_graph_destroy(graph));
  };
  illegal(
      "synchronise", [&] { return wl_stream_synchronize(&at); }, true, true);
  illegal(
      "synchronise another stream",
      [&] {
        const wl_launch other = default_stream();
        return wl_stream_synchronize(&other);
      },
      false, true);
  illegal(
      "await a captured event",
      [&] {
        EXPECT_WL_OK(wl_event_record(event, &at));
        return wl_event_synchronize(event);
      },
      true, true);
  illegal(
      "destroy the stream", [&] { return wl_stream_destroy(at.stream); }, true, true);
  void* memory = nullptr;
  // Refused by the library before CUDA sees it: the capture goes on.
  illegal(
      "allocate", [&] { return wl_device_alloc(64, &at, &memory); }, false, false);
  illegal(
      "free", [&] { return wl_device_free(x.data, &at); }, false, false);
  illegal(
      "capture again", [&] { return wl_graph_begin_capture(&at); }, false, false);
  EXPECT_WL_OK(wl_event_destroy(event));
  EXPECT_EQ(x.read(at)[0], 1u);
}

TEST_F(HostGraphs, ACaptureMustBeEndedWhereItBeganWithAllStreamsBack) {
  StreamLaunch at, side;
  DeviceNumbers x(at, 1, 1);
  void *event = nullptr, *graph = nullptr;
  EXPECT_EQ(wl_graph_end_capture(&at, &graph), WL_STATUS_INVALID_ARGUMENT) << "no capture";
  const wl_launch standard = default_stream();
  EXPECT_EQ(wl_graph_begin_capture(&standard), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(
      wl_last_error(),
      "wl_graph_begin_capture: at.stream is NULL; must be a stream: the default stream cannot be captured");
  ASSERT_WL_OK(wl_event_create(WL_DEVICE_CUDA, 0, &event));
  ASSERT_WL_OK(wl_graph_begin_capture(&at));
  ASSERT_WL_OK(wl_event_record(event, &at));
  ASSERT_WL_OK(wl_stream_wait_event(event, &side));
  run_affine(side, x, x, 1, 1);
  EXPECT_EQ(wl_graph_end_capture(&at, &graph), WL_STATUS_INVALID_ARGUMENT) << "side did not come back";
  EXPECT_NE(std::string(wl_last_error()).find("904"), std::string::npos) << wl_last_error();
  EXPECT_EQ(graph, nullptr);
  run_affine(side, x, x, 1, 1);
  EXPECT_EQ(x.read(side)[0], 2u) << "the stream must be its own again";
  EXPECT_WL_OK(wl_event_destroy(event));
}

TEST_F(HostGraphs, WorkOutsideACaptureIsNoPartOfIt) {
  StreamLaunch at, side;
  DeviceNumbers x(at, 1, 1);
  void *event = nullptr, *graph = nullptr;
  ASSERT_WL_OK(wl_event_create(WL_DEVICE_CUDA, 0, &event));
  run_affine(side, x, x, 1, 1);
  ASSERT_WL_OK(wl_event_record(event, &side));
  ASSERT_WL_OK(wl_graph_begin_capture(&at));
  EXPECT_EQ(wl_stream_wait_event(event, &at), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(wl_graph_end_capture(&at, &graph), WL_STATUS_INVALID_ARGUMENT);
  EXPECT_WL_OK(wl_event_destroy(event));
  EXPECT_EQ(x.read(side)[0], 2u);
}

}  // namespace
}  // namespace wl::test
