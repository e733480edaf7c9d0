// The layer's ops, the cache's append and sampling on the emulated device: the same bits under any schedule, no finding,
// no bank conflict and whole sectors on aligned shapes; indices that nobody checked do no harm.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "emulator/grid.h"
#include "support/matrix.h"

namespace wl::test {
namespace {

using Bytes = std::vector<unsigned char>;

struct OpCase {
  std::string name, kernel;  // the kernel that must serve it
  std::function<Bytes()> run;
};

template <class Params>
Params sized() {
  Params p{};
  p.struct_size = sizeof p;
  return p;
}

Bytes norm(int32_t kind, int32_t type, int32_t y_type, int64_t rows, int64_t columns) {
  Random random(1);
  const Matrix x = Matrix::of(type, rows, columns, random.normals(rows * columns)),
               residual = Matrix::of(type, rows, columns, random.normals(rows * columns));
  const Buffer weight = Buffer::floats(type, {columns}, random.normals(columns)),
               bias = Buffer::floats(type, {columns}, random.normals(columns));
  const Matrix y(y_type, rows, columns), sum(y_type, rows, columns);
  auto p = sized<wl_norm_params>();
  p.kind = kind;
  p.epsilon = 1e-5f;
  p.x = x.view();
  p.residual = residual.view();
  p.weight = weight.view();
  if (kind == WL_NORM_LAYER) p.bias = bias.view();
  p.y = y.view();
  p.residual_out = sum.view();
  EXPECT_EQ(wl_norm(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  Bytes bytes = y.bytes(), more = sum.bytes();
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

Bytes softmax(uint32_t flags, int32_t type, int64_t rows, int64_t columns) {
  Random random(2);
  const Matrix x = Matrix::of(type, rows, columns, random.normals(rows * columns, 4)), y(type, rows, columns);
  auto p = sized<wl_softmax_params>();
  p.flags = flags;
  p.x = x.view();
  p.y = y.view();
  EXPECT_EQ(wl_softmax(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return y.bytes();
}

Bytes activation(int32_t activation, int32_t type, int32_t y_type) {
  Random random(3);
  const Matrix x = Matrix::of(type, 5, 384, random.normals(5 * 384, 3)),
               up = Matrix::of(type, 5, 384, random.normals(5 * 384)), y(y_type, 5, 384);
  auto p = sized<wl_activation_params>();
  p.activation = activation;
  p.x = x.view();
  p.up = up.view();
  p.y = y.view();
  EXPECT_EQ(wl_activation(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return y.bytes();
}

Matrix embedded(const std::vector<int32_t>& ids, int32_t type, int32_t y_type) {
  Random random(4);
  const Matrix table = Matrix::of(type, 9, 256, random.normals(9 * 256));
  const auto count = static_cast<int64_t>(ids.size());
  const Buffer id_buffer = Buffer::ints({count}, ids);
  const Matrix y(y_type, count, 256);
  auto p = sized<wl_embedding_params>();
  p.table = table.view();
  p.ids = id_buffer.view();
  p.y = y.view();
  EXPECT_EQ(wl_embedding(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return y;
}

Matrix pooled(int32_t kind, const std::vector<int32_t>& offsets, int32_t type) {
  Random random(5);
  const Matrix x = Matrix::of(type, 40, 384, random.normals(40 * 384));
  const auto count = static_cast<int64_t>(offsets.size());
  const Buffer offset_buffer = Buffer::ints({count}, offsets);
  const Matrix y(type, count - 1, 384);
  auto p = sized<wl_pool_params>();
  p.kind = kind;
  p.flags = WL_POOL_NORMALIZE;
  p.x = x.view();
  p.cu_seqlens = offset_buffer.view();
  p.y = y.view();
  EXPECT_EQ(wl_pool(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return y;
}

// x is 1 throughout, sin 0 and cos 2: a rotated element becomes 2.
Buffer roped(uint32_t flags, const std::vector<int32_t>& positions, int32_t type, bool random_values = true) {
  Random random(6);
  const auto tokens = static_cast<int64_t>(positions.size());
  constexpr int64_t kHeads = 4, kDimension = 128, kPairs = 48, kRows = 16;
  const auto values = [&](int64_t count, double otherwise) {
    return random_values ? random.normals(count) : std::vector<double>(static_cast<size_t>(count), otherwise);
  };
  const Buffer x =
      Buffer::floats(type, {tokens, kHeads, kDimension}, values(tokens * kHeads * kDimension, 1));
  const Buffer y(type, {tokens, kHeads, kDimension}), position_buffer = Buffer::ints({tokens}, positions);
  const Matrix cos = Matrix::of(WL_DTYPE_FLOAT32, kRows, kPairs, values(kRows * kPairs, 2)),
               sin = Matrix::of(WL_DTYPE_FLOAT32, kRows, kPairs, values(kRows * kPairs, 0));
  auto p = sized<wl_rope_params>();
  p.flags = flags;
  p.x = x.view();
  p.y = y.view();
  p.positions = position_buffer.view();
  p.cos = cos.view();
  p.sin = sin.view();
  EXPECT_EQ(wl_rope(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return y;
}

// The cache of keys after an append of tokens of ones to a cache of twos, [3, 8, 2, 64].
Buffer appended(const std::vector<int32_t>& lengths, const std::vector<int32_t>& offsets, int32_t type) {
  constexpr int64_t kTotal = 6, kHeads = 2, kDimension = 64, kCapacity = 8;
  const auto batch = static_cast<int64_t>(lengths.size());
  const Buffer k = Buffer::floats(type, {kTotal, kHeads, kDimension}, std::vector<double>(6 * 2 * 64, 1));
  const auto cache = [&] {
    const std::vector<double> twos(static_cast<size_t>(batch * kCapacity * kHeads * kDimension), 2);
    return Buffer::floats(type, {batch, kCapacity, kHeads, kDimension}, twos);
  };
  const Buffer k_cache = cache(), v_cache = cache();
  const Buffer length_buffer = Buffer::ints({batch}, lengths),
               offset_buffer = Buffer::ints({batch + 1}, offsets);
  const Matrix cos = Matrix::of(WL_DTYPE_FLOAT32, 7, 32, std::vector<double>(7 * 32, 1)),
               sin = Matrix::of(WL_DTYPE_FLOAT32, 7, 32, std::vector<double>(7 * 32, 0));
  auto p = sized<wl_kv_append_params>();
  p.k = p.v = k.view();
  p.k_cache = k_cache.view();
  p.v_cache = v_cache.view();
  p.lengths = length_buffer.view();
  p.cu_seqlens = offset_buffer.view();
  p.cos = cos.view();
  p.sin = sin.view();
  EXPECT_EQ(wl_kv_append(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  EXPECT_EQ(k_cache.bytes(), v_cache.bytes());
  return k_cache;
}

struct Sampled {
  std::vector<double> ids, log_probabilities;
};
Sampled sampled(const std::vector<double>& logits, int32_t type, const wl_sampling_row& s, int64_t draws,
                const std::vector<int32_t>& history = {}) {
  const auto columns = static_cast<int64_t>(logits.size());
  const Matrix one = Matrix::of(type, 1, columns, logits);
  std::vector<wl_sampling_row> settings(static_cast<size_t>(draws), s);
  for (size_t i = 0; i < settings.size(); ++i) settings[i].position = i;
  const Buffer ids(WL_DTYPE_INT32, {draws}), log_probabilities(WL_DTYPE_FLOAT32, {draws});
  const Buffer history_buffer = Buffer::ints({static_cast<int64_t>(history.size())}, history);
  std::vector<int32_t> offsets(static_cast<size_t>(draws) + 1, static_cast<int32_t>(history.size()));
  offsets[0] = 0;
  const Buffer offset_buffer = Buffer::ints({draws + 1}, offsets);
  auto p = sized<wl_sample_params>();
  p.logits = one.view();
  p.logits.shape[0] = draws;
  p.logits.strides[0] = 0;
  p.settings = settings.data();
  p.settings_count = settings.size();
  p.ids = ids.view();
  p.log_probabilities = log_probabilities.view();
  if (!history.empty()) p.history = history_buffer.view(), p.history_offsets = offset_buffer.view();
  EXPECT_EQ(wl_sample(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return {ids.values(), log_probabilities.values()};
}

Bytes sampled_bytes(int32_t type) {
  Random random(7);
  wl_sampling_row s{};
  s.temperature = 1.5f;
  s.top_k = 300;
  s.top_p = 0.9f;
  s.min_p = 0.01f;
  s.repetition_penalty = 1.3f;
  s.frequency_penalty = 0.2f;
  const Sampled result = sampled(random.normals(6000, 3), type, s, 5, {1, 77, 5000, 1, 4096});
  Bytes bytes;
  for (const std::vector<double>& values : {result.ids, result.log_probabilities}) {
    const auto* first = reinterpret_cast<const unsigned char*>(values.data());
    bytes.insert(bytes.end(), first, first + values.size() * sizeof(double));
  }
  return bytes;
}

Bytes argmax(int32_t type) {
  Random random(8);
  const Matrix logits = Matrix::of(type, 3, 20000, random.normals(3 * 20000));
  const Buffer ids(WL_DTYPE_INT32, {3});
  auto p = sized<wl_argmax_params>();
  p.logits = logits.view();
  p.ids = ids.view();
  EXPECT_EQ(wl_argmax(&p, nullptr), WL_STATUS_OK) << wl_last_error();
  return ids.bytes();
}

std::vector<OpCase> cases() {
  constexpr int32_t kSingle = WL_DTYPE_FLOAT32, kHalf = WL_DTYPE_FLOAT16, kBrain = WL_DTYPE_BFLOAT16;
  return {
      {"head norm", "elementwise.norm.sm80.16bit", [] { return norm(WL_NORM_RMS, kBrain, kBrain, 50, 64); }},
      {"rms norm", "elementwise.norm.sm80.16bit", [] { return norm(WL_NORM_RMS, kBrain, kBrain, 3, 2560); }},
      {"layer norm", "elementwise.norm.sm80.32bit",
       [] { return norm(WL_NORM_LAYER, kHalf, kSingle, 3, 768); }},
      {"long norm", "elementwise.norm.sm80.32bit",
       [] { return norm(WL_NORM_LAYER, kSingle, kSingle, 2, 9216); }},
      {"softmax", "elementwise.softmax.sm80.16bit", [] { return softmax(0, kHalf, 9, 512); }},
      {"log softmax", "elementwise.softmax.sm80.32bit",
       [] { return softmax(WL_SOFTMAX_LOG, kSingle, 2, 9216); }},
      {"silu", "elementwise.activation.sm80.16bit",
       [] { return activation(WL_ACTIVATION_SILU, kBrain, kBrain); }},
      {"gelu", "elementwise.activation.sm80.32bit",
       [] { return activation(WL_ACTIVATION_GELU, kBrain, kSingle); }},
      {"embedding", "elementwise.embedding.sm80.16bit",
       [] {
         return embedded({1, 8, 0, 3, 3}, kBrain, kHalf).bytes();
       }},
      {"mean", "elementwise.pool.sm80.16bit",
       [] {
         return pooled(WL_POOL_MEAN, {0, 7, 7, 40}, kBrain).bytes();
       }},
      {"maximum", "elementwise.pool.sm80.32bit",
       [] {
         return pooled(WL_POOL_MAX, {0, 7, 7, 40}, kSingle).bytes();
       }},
      {"rope", "elementwise.rope.sm80.16bit",
       [] {
         return roped(0, {3, 0, 15, 9, 1}, kBrain).bytes();
       }},
      {"interleaved rope", "elementwise.rope.sm80.32bit",
       [] {
         return roped(WL_ROPE_INTERLEAVED, {3, 0, 15, 9, 1}, kSingle).bytes();
       }},
      {"append", "kv_cache.append.sm80.16bit",
       [] {
         return appended({2, 0, 3}, {0, 3, 4, 6}, kBrain).bytes();
       }},
      {"argmax", "sampling.argmax.sm80.16bit", [] { return argmax(kBrain); }},
      {"sample", "sampling.sample.sm80.32bit", [] { return sampled_bytes(kSingle); }},
      {"sample of 16 bits", "sampling.sample.sm80.16bit", [] { return sampled_bytes(kBrain); }},
  };
}

struct LayerDevice : EmulatorTest {};

TEST_F(LayerDevice, SameBitsUnderAnySchedule) {
  for (const OpCase& c : cases()) {
    emu::configure({});
    const Bytes first = c.run();
    EXPECT_STREQ(wl_last_kernel(), c.kernel.c_str()) << c.name;
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      emu::Settings settings;
      settings.schedule = emu::Schedule::kRandom, settings.seed = seed;
      emu::configure(settings);
      EXPECT_EQ(c.run(), first) << c.name << " seed " << seed;
    }
    EXPECT_EQ(findings(), "") << c.name;
  }
}

// What may conflict or take part of a sector, and why.
struct TrafficException {
  const char* file;
  const char* operation;
  const char* why;
};
constexpr TrafficException kExceptions[] = {
    {"tile/rotate.h", "ld.global", "16-bit heads take 32 bytes of cos and of sin a lane, in two accesses"},
    {"sampling/search.h", "atom.shared", "bins that tokens share"},
    {"sampling/logits.h", "atom.shared", "counts of a history in any order"},
};

bool excepted(const emu::Traffic& traffic) {
  for (const TrafficException& e : kExceptions) {
    if (std::string(traffic.site.file).find(e.file) != std::string::npos &&
        std::string(traffic.operation).rfind(e.operation, 0) == 0)
      return true;
  }
  return false;
}

TEST_F(LayerDevice, WholeSectorsAndNoBankConflicts) {
  for (const OpCase& c : cases()) {
    emu::clear_report();
    c.run();
    EXPECT_EQ(findings(), "") << c.name;
    const emu::Report report = emu::report();
    EXPECT_EQ(report.traffic.empty(), !emu::kChecked) << c.name;
    for (const emu::Traffic& t : report.traffic) {
      if (excepted(t)) continue;
      EXPECT_EQ(t.bank_conflicts, 0u)
          << c.name << " " << t.site.file << ":" << t.site.line << " " << t.operation;
      EXPECT_EQ(t.sectors, t.ideal_sectors)
          << c.name << " " << t.site.file << ":" << t.site.line << " " << t.operation;
    }
  }
}

TEST_F(LayerDevice, IdsOutsideTheTableGiveZeros) {
  for (const int32_t type : kFloatTypes) {
    const Matrix y = embedded({3, -1, 9, INT32_MIN, INT32_MAX, 3}, type, WL_DTYPE_FLOAT32);
    for (int64_t c = 0; c < 256; ++c) {
      EXPECT_NE(y.get(0, c), 0);
      for (int64_t r = 1; r < 5; ++r) EXPECT_EQ(y.get(r, c), 0);
      EXPECT_EQ(y.get(5, c), y.get(0, c));
    }
  }
  EXPECT_EQ(findings(), "");
}

TEST_F(LayerDevice, PositionsOutsideTheTablesClearWhatIsRotated) {
  for (const uint32_t flags : {0u, uint32_t{WL_ROPE_INTERLEAVED}}) {
    for (const int32_t type : kFloatTypes) {
      const Buffer y = roped(flags, {5, -1, 16, INT32_MAX}, type, false);
      for (int64_t i = 0; i < y.size(); ++i) {
        const int64_t token = i / (4 * 128), element = i % 128;
        ASSERT_EQ(y.get(i), element >= 96 ? 1 : token == 0 ? 2 : 0) << i;
      }
    }
  }
  EXPECT_EQ(findings(), "");
}

TEST_F(LayerDevice, TokensWithoutAPlaceAreLeftOut) {
  struct Append {
    std::vector<int32_t> lengths, offsets;
    std::vector<int> written;  // positions of the batch, counted through
  };
  const Append calls[] = {
      {{2, 0, 3}, {0, 3, 4, 6}, {2, 3, 4, 8, 19, 20}},
      {{-1, 0, 3}, {0, 3, 4, 6}, {8, 19, 20}},  // a negative length
      {{6, 7, INT32_MAX}, {0, 3, 4, 6}, {6}},   // the tables end at 7, the cache at 8
      {{0, 0, 0}, {2, 3, 4, 5}, {0, 8, 16}},    // rows outside all sequences
      {{0, 0, 0}, {-5, 100, 3, 2}, {5, 6}},     // offsets of nothing: rows 0 and 1 belong to the first
      {{0, 0, 0}, {INT32_MAX, 0, 0, INT32_MIN}, {}},
  };
  for (const Append& call : calls) {
    const Buffer cache = appended(call.lengths, call.offsets, WL_DTYPE_BFLOAT16);
    std::vector<int> written;
    for (int place = 0; place < 24; ++place) {
      if (cache.get(place * 2 * 64) == 1) written.push_back(place);
      for (int64_t e = 0; e < 128; ++e)
        EXPECT_EQ(cache.get(place * 128 + e), cache.get(place * 128)) << place;
    }
    EXPECT_EQ(written, call.written) << call.lengths[0] << " " << call.offsets[0];
  }
  EXPECT_EQ(findings(), "");
}

TEST_F(LayerDevice, OffsetsAreCutToTheRowsThatExist) {
  const Matrix cut = pooled(WL_POOL_LAST, {-7, 90, 3, INT32_MAX}, WL_DTYPE_FLOAT32),
               right = pooled(WL_POOL_LAST, {0, 40, 40, 40}, WL_DTYPE_FLOAT32);
  for (int64_t c = 0; c < 384; ++c) {
    EXPECT_EQ(cut.get(0, c), right.get(0, c));
    EXPECT_EQ(cut.get(1, c), 0);
    EXPECT_EQ(cut.get(2, c), right.get(0, c));
  }
  EXPECT_EQ(findings(), "");
}

TEST_F(LayerDevice, SamplingOfWhatNobodyChecked) {
  const std::vector<double> logits = {1, 3, 2, NAN};
  wl_sampling_row s{};
  s.greedy = 1;
  s.presence_penalty = 5;
  EXPECT_EQ(sampled(logits, WL_DTYPE_FLOAT32, s, 1, {1, -1, 4, INT32_MIN, INT32_MAX}).ids[0], 2);
  for (const double none : std::vector<double>{-INFINITY, NAN}) {
    const Sampled nothing = sampled({none, none, none}, WL_DTYPE_BFLOAT16, {}, 1);
    EXPECT_EQ(nothing.ids[0], -1);
    EXPECT_TRUE(std::isnan(nothing.log_probabilities[0]));
  }
  for (const float bad : std::vector<float>{-1, 2, INFINITY, NAN}) {
    wl_sampling_row odd{bad, bad, bad, bad, bad, bad, -3, 0, 1, 1};
    for (const int32_t top_k : {-3, 2, INT32_MAX}) {
      odd.top_k = top_k;
      for (const double id : sampled(logits, WL_DTYPE_FLOAT32, odd, 3, {0, 1}).ids) {
        EXPECT_GE(id, -1);
        EXPECT_LT(id, 4);
      }
    }
  }
  EXPECT_EQ(findings(), "");
}

}  // namespace
}  // namespace wl::test
