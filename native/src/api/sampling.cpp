#include "cpu/sampling/sampling.h"

#include <warpline/sampling.h>

#include <cmath>
#include <limits>
#include <string>

#include "core/cuda_backend.h"
#include "core/failure.h"
#include "core/params.h"
#include "core/tensor.h"

namespace {

using namespace wl;

void require_logits(const wl_tensor& logits, const wl_tensor& ids) {
  require_tensor(logits, "logits", kFloats, 2);
  if (logits.shape[1] < 1 || logits.shape[1] > std::numeric_limits<int32_t>::max())
    invalid("logits.shape[1]", text(logits.shape[1]), "at least 1 and below 2^31, since ids are int32");
  require_tensor(ids, "ids", kInt32, 1);
  require_extent(ids, "ids", 0, logits.shape[0], "the rows of logits");
}

void require_setting(bool legal, int64_t row, const char* field, double value, const char* requirement) {
  if (!legal || !std::isfinite(value))
    invalid("settings[" + text(row) + "]." + field, text(value), requirement);
}

void require_settings(const wl_sampling_row& s, int64_t row) {
  require_setting(s.temperature >= 0, row, "temperature", s.temperature, "finite and at least 0");
  require_setting(s.top_p >= 0 && s.top_p <= 1, row, "top_p", s.top_p, "from 0 to 1");
  require_setting(s.min_p >= 0 && s.min_p <= 1, row, "min_p", s.min_p, "from 0 to 1");
  require_setting(s.repetition_penalty >= 0, row, "repetition_penalty", s.repetition_penalty,
                  "finite and at least 0");
  require_setting(true, row, "frequency_penalty", s.frequency_penalty, "finite");
  require_setting(true, row, "presence_penalty", s.presence_penalty, "finite");
  require_setting(s.top_k >= 0, row, "top_k", s.top_k, "at least 0");
}

void require_history(const wl_sample_params& p, const Launch& launch) {
  if (!present(p.history)) {
    if (present(p.history_offsets)) invalid("history_offsets", "given", "absent: there is no history");
    return;
  }
  require_tensor(p.history, "history", kInt32, 1);
  require_offsets(p.history_offsets, "history_offsets", p.logits.shape[0], p.history.shape[0], "history",
                  launch.readable());
  if (!launch.readable()) return;
  const int64_t begin = index_at(p.history_offsets, 0);
  const int64_t end = index_at(p.history_offsets, p.logits.shape[0]);
  for (int64_t i = begin; i < end; ++i) {
    const int32_t id = index_at(p.history, i);
    if (id < 0 || id >= p.logits.shape[1]) {
      invalid("history[" + text(i) + "]", text(id),
              "at least 0 and below " + text(p.logits.shape[1]) + ", the columns of logits");
    }
  }
}

void require_sample(const wl_sample_params& p, const Launch& launch) {
  if (p.reserved0 != 0) fail(WL_STATUS_UNSUPPORTED, "reserved0", text(p.reserved0), "zero");
  require_logits(p.logits, p.ids);
  require_distinct(p.ids, "ids");
  const int64_t rows = p.logits.shape[0];
  if (present(p.log_probabilities)) {
    require_tensor(p.log_probabilities, "log_probabilities", kFloat32, 1);
    require_extent(p.log_probabilities, "log_probabilities", 0, rows, "the rows of logits");
    require_distinct(p.log_probabilities, "log_probabilities");
  }
  if (p.settings_count != static_cast<uint64_t>(rows))
    invalid("settings_count", text(p.settings_count), text(rows) + ", the rows of logits");
  if (p.settings == nullptr && rows > 0) invalid("settings", "NULL", "the address of a setting for each row");
  if (reinterpret_cast<uintptr_t>(p.settings) % alignof(wl_sampling_row) != 0)
    invalid("settings", "misaligned", "aligned to " + text(uint64_t{alignof(wl_sampling_row)}) + " bytes");
  if (launch.readable()) {
    for (int64_t r = 0; r < rows; ++r) require_settings(p.settings[r], r);
  }
  require_history(p, launch);
}

}  // namespace

extern "C" {

wl_status wl_argmax(const wl_argmax_params* params, const wl_launch* at) {
  return guard("wl_argmax", [&] {
    const auto p = read_params(params);
    const Launch launch = read_launch(at);
    require_flags(p.flags, 0, "flags");
    require_logits(p.logits, p.ids);
    require_distinct(p.ids, "ids");
    dispatch(
        launch, "wl_argmax", [&] { cpu::argmax(p); }, &CudaBackend::argmax, p, launch);
  });
}

wl_status wl_sample(const wl_sample_params* params, const wl_launch* at) {
  return guard("wl_sample", [&] {
    const auto p = read_params(params);
    const Launch launch = read_launch(at);
    require_sample(p, launch);
    dispatch(
        launch, "wl_sample", [&] { cpu::sample(p); }, &CudaBackend::sample, p, launch);
  });
}

}  // extern "C"
