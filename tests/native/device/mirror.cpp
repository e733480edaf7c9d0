#include "support/mirror.h"
// The header stands in front of this file too: here the names mean the library.
#undef wl_attention
#undef wl_gemm
#undef wl_kv_append
#undef wl_norm
#undef wl_rope
#undef wl_rope_table
#undef wl_activation
#undef wl_embedding
#undef wl_pool
#undef wl_softmax
#undef wl_argmax
#undef wl_sample

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "support/tensors.h"

namespace wl::test {
namespace {

constexpr uint64_t kGuardBytes = 512;
constexpr unsigned char kGuard = 0xa5;

wl_launch cuda(const wl_launch* at) {
  wl_launch launch{};
  if (at != nullptr) launch = *at;
  launch.struct_size = sizeof launch;
  launch.device_kind = WL_DEVICE_CUDA;
  return launch;
}

// Host bytes [begin, end) with their copy on the device, which keeps the distance to a 256-byte boundary.
struct Piece {
  unsigned char* begin;
  unsigned char* end;
  unsigned char* allocation = nullptr;
  unsigned char* device = nullptr;
  uint64_t bytes() const { return static_cast<uint64_t>(end - begin); }
  uint64_t allocated() const { return bytes() + 2 * kGuardBytes + 256; }
};

// Bytes that a tensor's elements span; none for an absent or empty one, or one that no op accepts.
bool span_of(const wl_tensor& t, Piece* piece) {
  if (t.dtype <= WL_DTYPE_NONE || t.dtype > WL_DTYPE_INT32 || t.data == nullptr) return false;
  if (t.rank < 0 || t.rank > WL_MAX_RANK) return false;
  int64_t last = 0;
  for (int axis = 0; axis < t.rank; ++axis) {
    if (t.shape[axis] <= 0 || t.strides[axis] < 0) return false;
    int64_t step = 0;
    if (__builtin_mul_overflow(t.shape[axis] - 1, t.strides[axis], &step) ||
        __builtin_add_overflow(last, step, &last))
      return false;
  }
  constexpr int64_t kTooMany = int64_t{1} << 48;  // no memory holds them
  if (last >= kTooMany) return false;
  piece->begin = static_cast<unsigned char*>(t.data);
  piece->end = piece->begin + (last + 1) * element_size(t.dtype);
  return true;
}

class Mirror {
 public:
  explicit Mirror(const wl_launch& at) : at_(at) {}
  ~Mirror() {
    for (const Piece& piece : pieces_) EXPECT_EQ(wl_device_free(piece.allocation, &at_), WL_STATUS_OK);
  }

  // Points the tensors at device memory that holds what the host's holds.
  void upload(const std::vector<wl_tensor*>& tensors) {
    for (const wl_tensor* t : tensors) {
      Piece piece{};
      if (span_of(*t, &piece)) pieces_.push_back(piece);
    }
    merge();
    for (Piece& piece : pieces_) copy_up(piece);
    for (wl_tensor* t : tensors) {
      Piece span{};
      if (!span_of(*t, &span)) continue;
      for (const Piece& piece : pieces_) {
        if (span.begin >= piece.begin && span.end <= piece.end)
          t->data = piece.device + (span.begin - piece.begin);
      }
    }
  }

  void download() {
    for (const Piece& piece : pieces_) {
      std::vector<unsigned char> all(piece.allocated());
      EXPECT_EQ(wl_copy(all.data(), piece.allocation, all.size(), WL_COPY_TO_HOST, &at_), WL_STATUS_OK)
          << wl_last_error();
      EXPECT_EQ(wl_stream_synchronize(&at_), WL_STATUS_OK) << wl_last_error();
      const auto first = static_cast<uint64_t>(piece.device - piece.allocation);
      for (uint64_t i = 0; i < all.size(); ++i) {
        if (i >= first && i < first + piece.bytes()) continue;
        if (all[i] != kGuard) {
          ADD_FAILURE() << "a byte " << (i < first ? "before" : "after") << " a tensor's memory was written";
          break;
        }
      }
      std::memcpy(piece.begin, all.data() + first, piece.bytes());
    }
  }

 private:
  void merge() {
    std::sort(pieces_.begin(), pieces_.end(),
              [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
    std::vector<Piece> merged;
    for (const Piece& piece : pieces_) {
      if (!merged.empty() && piece.begin < merged.back().end) {
        merged.back().end = std::max(merged.back().end, piece.end);
      } else {
        merged.push_back(piece);
      }
    }
    pieces_ = merged;
  }

  void copy_up(Piece& piece) {
    void* memory = nullptr;
    ASSERT_EQ(wl_device_alloc(piece.allocated(), &at_, &memory), WL_STATUS_OK) << wl_last_error();
    piece.allocation = static_cast<unsigned char*>(memory);
    piece.device = piece.allocation + kGuardBytes + reinterpret_cast<uintptr_t>(piece.begin) % 256;
    std::vector<unsigned char> all(piece.allocated(), kGuard);
    std::memcpy(all.data() + (piece.device - piece.allocation), piece.begin, piece.bytes());
    ASSERT_EQ(wl_copy(piece.allocation, all.data(), all.size(), WL_COPY_TO_DEVICE, &at_), WL_STATUS_OK)
        << wl_last_error();
    ASSERT_EQ(wl_stream_synchronize(&at_), WL_STATUS_OK) << wl_last_error();
  }

  const wl_launch at_;
  std::vector<Piece> pieces_;
};

template <class Params>
using Op = wl_status (*)(const Params*, const wl_launch*);
template <class Params>
using WorkspaceSize = wl_status (*)(const Params*, const wl_launch*, uint64_t*);

template <class Params>
wl_status run(Op<Params> op, WorkspaceSize<Params> workspace_size, const Params* params, const wl_launch* at,
              const std::vector<wl_tensor Params::*>& fields) {
  wl_launch launch = cuda(at);
  Params moved = *params;
  std::vector<wl_tensor*> tensors;
  for (wl_tensor Params::*field : fields) tensors.push_back(&(moved.*field));
  Mirror mirror(launch);
  mirror.upload(tensors);
  if (testing::Test::HasFatalFailure()) return WL_STATUS_INTERNAL;
  if (workspace_size != nullptr) {
    const wl_status status = workspace_size(&moved, &launch, &launch.workspace_bytes);
    if (status != WL_STATUS_OK) return op(&moved, &launch);  // which tells the same fault under its own name
    if (launch.workspace_bytes != 0) {
      const wl_status allocated = wl_device_alloc(launch.workspace_bytes, &launch, &launch.workspace);
      if (allocated != WL_STATUS_OK) return allocated;
    }
  }
  wl_status status = op(&moved, &launch);
  if (status == WL_STATUS_OK) status = wl_stream_synchronize(&launch);
  if (launch.workspace != nullptr) {
    EXPECT_EQ(wl_device_free(launch.workspace, &launch), WL_STATUS_OK);
  }
  mirror.download();
  return status;
}

// A CUDA library on a machine without a GPU: every test is skipped, and the reason is the library's. GoogleTest then names
// none of them, so a line of its kind says it to who reads the output.
class DeviceUnderTest : public testing::Environment {
  void SetUp() override {
    wl_device_info info{};
    info.struct_size = sizeof info;
    if (wl_device_get_info(WL_DEVICE_CUDA, 0, &info) != WL_STATUS_NO_DEVICE) return;
    std::puts("[  SKIPPED ] all tests");
    GTEST_SKIP() << wl_last_error();
  }
};
const testing::Environment* const kDevice = testing::AddGlobalTestEnvironment(new DeviceUnderTest);

}  // namespace

wl_status mirrored(const wl_attention_params* params, const wl_launch* at) {
  using P = wl_attention_params;
  return run<P>(wl_attention, wl_attention_workspace_size, params, at,
                {&P::q, &P::k, &P::v, &P::o, &P::lse, &P::cu_seqlens_q, &P::cu_seqlens_k, &P::seqused_k,
                 &P::alibi_slopes, &P::sinks});
}

wl_status mirrored(const wl_gemm_params* params, const wl_launch* at) {
  using P = wl_gemm_params;
  return run<P>(wl_gemm, wl_gemm_workspace_size, params, at,
                {&P::x, &P::weight, &P::bias, &P::residual, &P::y, &P::up_weight, &P::up_bias});
}

wl_status mirrored(const wl_kv_append_params* params, const wl_launch* at) {
  using P = wl_kv_append_params;
  return run<P>(wl_kv_append, nullptr, params, at,
                {&P::k, &P::v, &P::k_cache, &P::v_cache, &P::lengths, &P::cu_seqlens, &P::cos, &P::sin});
}

wl_status mirrored(const wl_norm_params* params, const wl_launch* at) {
  using P = wl_norm_params;
  return run<P>(wl_norm, nullptr, params, at,
                {&P::x, &P::residual, &P::weight, &P::bias, &P::y, &P::residual_out});
}

wl_status mirrored(const wl_rope_params* params, const wl_launch* at) {
  using P = wl_rope_params;
  return run<P>(wl_rope, nullptr, params, at, {&P::x, &P::y, &P::positions, &P::cos, &P::sin});
}

wl_status mirrored(const wl_rope_table_params* params, const wl_launch* at) {
  using P = wl_rope_table_params;
  return run<P>(wl_rope_table, nullptr, params, at, {&P::cos, &P::sin});
}

wl_status mirrored(const wl_activation_params* params, const wl_launch* at) {
  using P = wl_activation_params;
  return run<P>(wl_activation, nullptr, params, at, {&P::x, &P::up, &P::y});
}

wl_status mirrored(const wl_embedding_params* params, const wl_launch* at) {
  using P = wl_embedding_params;
  return run<P>(wl_embedding, nullptr, params, at, {&P::table, &P::ids, &P::y});
}

wl_status mirrored(const wl_pool_params* params, const wl_launch* at) {
  using P = wl_pool_params;
  return run<P>(wl_pool, nullptr, params, at, {&P::x, &P::cu_seqlens, &P::y});
}

wl_status mirrored(const wl_softmax_params* params, const wl_launch* at) {
  using P = wl_softmax_params;
  return run<P>(wl_softmax, nullptr, params, at, {&P::x, &P::y});
}

wl_status mirrored(const wl_argmax_params* params, const wl_launch* at) {
  using P = wl_argmax_params;
  return run<P>(wl_argmax, nullptr, params, at, {&P::logits, &P::ids});
}

// The settings are memory of the device too: seen as a tensor of words beside the others.
struct SampleCall : wl_sample_params {
  wl_tensor words;
};

static wl_status sample(const SampleCall* call, const wl_launch* at) {
  wl_sample_params params = *call;
  params.settings = static_cast<const wl_sampling_row*>(call->words.data);
  return wl_sample(&params, at);
}

wl_status mirrored(const wl_sample_params* params, const wl_launch* at) {
  using P = SampleCall;
  static_assert(sizeof(wl_sampling_row) % 4 == 0);
  P call{*params, {}};
  call.words.data = const_cast<wl_sampling_row*>(params->settings);
  call.words.dtype = WL_DTYPE_INT32;
  call.words.rank = 1;
  call.words.shape[0] = static_cast<int64_t>(params->settings_count * (sizeof(wl_sampling_row) / 4));
  call.words.strides[0] = 1;
  return run<P>(sample, nullptr, &call, at,
                {&P::logits, &P::history, &P::history_offsets, &P::ids, &P::log_probabilities, &P::words});
}

void for_each_repeat(const std::function<void()>& run,
                     const std::function<std::vector<unsigned char>()>& result,
                     const std::function<void()>& check) {
  std::vector<unsigned char> first;
  for (int repeat = 0; repeat < 2; ++repeat) {
    run();
    if (testing::Test::HasFatalFailure()) return;
    if (repeat == 0) first = result();
    EXPECT_TRUE(result() == first) << "bits differ from those of the first run";
  }
  check();
}

}  // namespace wl::test
