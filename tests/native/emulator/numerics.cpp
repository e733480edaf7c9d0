// Linked into a suite that is built for the emulated device: approximations err by up to the PTX manual's bound.
#include "emulator/launch.h"

namespace {

const bool kConfigured = [] {
  wl::emu::Settings settings;
  settings.numerics = true;
  settings.seed = 11;
  wl::emu::configure(settings);
  return true;
}();

}  // namespace
