// Failures inside the library are exceptions that stop at the C boundary, where they become a status and a
// text.
#pragma once

#include <warpline/core.h>

#include <new>
#include <string>

namespace wl {

struct Failure {
  wl_status status;
  std::string parameter;
  std::string message;
};

// "parameter is value; must be requirement".
[[noreturn]] void fail(wl_status status, std::string parameter, const std::string& value,
                       const std::string& requirement);
[[noreturn]] inline void invalid(std::string parameter, const std::string& value,
                                 const std::string& requirement) {
  fail(WL_STATUS_INVALID_ARGUMENT, std::move(parameter), value, requirement);
}

// Text of values for messages.
std::string text(int64_t value);
std::string text(uint64_t value);
inline std::string text(int32_t value) { return text(static_cast<int64_t>(value)); }
inline std::string text(uint32_t value) { return text(static_cast<uint64_t>(value)); }
std::string text(double value);

// Keeps the calling thread's last error, prefixed with the function's name.
wl_status record(const char* function, const Failure& failure) noexcept;
// As above, where memory may be short: a text that cannot be kept costs the text only.
wl_status record(const char* function, wl_status status, const char* message) noexcept;
const char* last_error() noexcept;
const char* last_error_parameter() noexcept;

// Runs the body of a C entry point; no exception leaves it.
template <class Body>
wl_status guard(const char* function, Body&& body) noexcept {
  try {
    body();
    return WL_STATUS_OK;
  } catch (const Failure& failure) {
    return record(function, failure);
  } catch (const std::bad_alloc&) {
    return record(function, WL_STATUS_OUT_OF_MEMORY, "host memory is exhausted");
  } catch (const std::exception& e) {
    return record(function, WL_STATUS_INTERNAL, e.what());
  } catch (...) {
    return record(function, WL_STATUS_INTERNAL, "an unknown exception");
  }
}

// The body of a wl_X_supported entry point: as guard, and the reason is copied out, cut to its buffer.
wl_status copy_reason(wl_status status, char* reason, uint64_t reason_bytes) noexcept;

// The kernel that the calling thread used last: a static string.
void set_last_kernel(const char* name) noexcept;
const char* last_kernel() noexcept;

}  // namespace wl
