// The emulator is built three times, each into a library of its own: plain, checked (races, memory, waits) and with
// AddressSanitizer. An inline namespace of its own keeps the builds apart where two of them share a process.
#pragma once

#if defined(WL_EMULATOR_CHECKED)
#define WL_EMULATOR_MODE checked
#elif defined(__SANITIZE_ADDRESS__)
#define WL_EMULATOR_MODE asan
#else
#define WL_EMULATOR_MODE plain
#endif

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

#if defined(WL_EMULATOR_CHECKED)
constexpr bool kChecked = true;
#else
constexpr bool kChecked = false;
#endif

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
