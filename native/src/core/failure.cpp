#include "core/failure.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace wl {
namespace {

struct LastError {
  std::string message;
  std::string parameter;
};
thread_local LastError tls_error;
thread_local const char* tls_kernel = "";

}  // namespace

void fail(wl_status status, std::string parameter, const std::string& value, const std::string& requirement) {
  std::string message = parameter + " is " + value + "; must be " + requirement;
  throw Failure{status, std::move(parameter), std::move(message)};
}

std::string text(int64_t value) { return std::to_string(value); }
std::string text(uint64_t value) { return std::to_string(value); }
std::string text(double value) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.9g", value);
  return buffer;
}

wl_status record(const char* function, const Failure& failure) noexcept {
  try {
    tls_error.message = std::string(function) + ": " + failure.message;
    tls_error.parameter = failure.parameter;
  } catch (...) {  // No memory even for the text: keep the status.
    tls_error.message.clear();
    tls_error.parameter.clear();
  }
  return failure.status;
}

wl_status record(const char* function, wl_status status, const char* message) noexcept {
  try {
    return record(function, Failure{status, "", message});
  } catch (...) {
    tls_error.message.clear();
    tls_error.parameter.clear();
    return status;
  }
}

const char* last_error() noexcept { return tls_error.message.c_str(); }
const char* last_error_parameter() noexcept { return tls_error.parameter.c_str(); }

wl_status copy_reason(wl_status status, char* reason, uint64_t reason_bytes) noexcept {
  if (reason == nullptr || reason_bytes == 0) return status;
  const char* message = status == WL_STATUS_OK ? "" : last_error();
  const size_t length = std::min<uint64_t>(std::strlen(message), reason_bytes - 1);
  std::memcpy(reason, message, length);
  reason[length] = '\0';
  return status;
}

void set_last_kernel(const char* name) noexcept { tls_kernel = name; }
const char* last_kernel() noexcept { return tls_kernel; }

}  // namespace wl
