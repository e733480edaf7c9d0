# Sourced by build.sh: what a machine needs, and how to get it there.

# Which package brings a missing tool, asked of the tools themselves, so that any distribution will do that has them.
missing_packages() { # missing_packages run|develop
  local tool
  for tool in g++ cmake pkg-config; do command -v "$tool" >/dev/null || echo "$tool"; done
  command -v ninja >/dev/null || echo ninja-build
  pkg-config --exists tbb 2>/dev/null || echo libtbb-dev
  pkg-config --exists libhwy 2>/dev/null || echo libhwy-dev
  [ "$1" = develop ] || return 0
  command -v ccache >/dev/null || echo ccache
  command -v patchelf >/dev/null || echo patchelf
  command -v xz >/dev/null || echo xz-utils
  pkg-config --exists gtest 2>/dev/null || echo libgtest-dev
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
  if ! command -v apt-get >/dev/null; then
    echo "no apt-get here: install what these Debian packages hold by your own package manager: $*"
    return 1
  fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "not root and no sudo: install these packages as root: apt-get install $*"
    return 1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

install_packages() { # install_packages run|develop
  local packages
  mapfile -t packages < <(missing_packages "$1")
  if [ ${#packages[@]} -gt 0 ]; then apt_install "${packages[@]}"; fi
}

# global.json names the SDK; dotnet --version fails where none fits it.
check_sdk() {
  if command -v dotnet >/dev/null && dotnet --version; then return; fi
  if command -v apt-cache >/dev/null && apt-cache show dotnet-sdk-10.0 >/dev/null 2>&1; then
    apt_install dotnet-sdk-10.0
    dotnet --version
    return
  fi
  echo "no .NET 10 SDK on the PATH, and apt has none"
  return 1
}

install_formatter() {
  if ! command -v clang-format-14 >/dev/null; then apt_install clang-format-14; fi
}
