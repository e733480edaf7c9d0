#!/usr/bin/env bash
# One entry for everything: ./build.sh VERB. build.ps1 is its twin for Windows; a test compares their verbs and steps.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
build_dir=$root/build
native_dir=$build_dir/cpu
log_dir=$build_dir/log
dotnet_dir=${ArtifactsPath:-$build_dir/dotnet}
totals=$log_dir/totals.txt
filter=
# How verb_setup gets the CUDA toolkit, if it is asked to.
get_toolkit=
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
# The one build tool that setup installs, whatever configures.
export CMAKE_GENERATOR=Ninja CMAKE_COLOR_DIAGNOSTICS=OFF
# No build server outlives an unattended run.
if [ "${CI:-}" = true ]; then export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false; fi
source tools/steps.sh
source tools/setup.sh
source tools/cuda-toolkit.sh
source tools/packages.sh
source tools/suites.sh

usage() {
  cat <<'USAGE'
usage: ./build.sh VERB
  setup [--cuda]           install what is missing (apt; as root or with sudo) and check the .NET SDK; --cuda finds or
                           gets a CUDA toolkit too (1 GB download, 230 MB kept)
  build                    the native library, the C# libraries, the command (build/bin/warpline) and the tests
  demo [--picture]         build what the demonstration needs and run it; --picture draws it into docs/demo.svg instead
  test [--full] [FILTER]   build and run all tests, or those whose name contains FILTER; --full runs the long sweeps too
  bench                    build and run the benchmarks
  pack                     write the NuGet packages to build/packages
  format                   format C, C++ and C# sources in place
  clean                    delete the build folder
USAGE
}

# configure PRESET OPTION...: once, and again when the options or the compiler's tree changed; ninja notices the rest.
configure() {
  local preset=$1 options=("${@:2}") cache="$build_dir/$1/CMakeCache.txt" option
  if [ -e "$build_dir/$preset/build.ninja" ]; then
    for option in "${options[@]}"; do
      grep -qx "${option#-D}" <(sed 's/:[A-Z]*=/=/' "$cache") || break
      option=
    done
    [ -n "${option:-}" ] || return 0
  fi
  cmake --preset "$preset" "${options[@]}"
}

# With the CUDA library, where a toolkit is found and works.
configure_all() {
  local toolkit
  toolkit=$(find_cuda_toolkit) || true
  configure cpu -DWARPLINE_CUDA=AUTO "-DWARPLINE_CUDA_TOOLKIT=$toolkit" "$@"
}

# For the CPU library alone; a tree that was configured for more stays so.
configure_library() {
  [ -e "$native_dir/build.ninja" ] || configure cpu -DWARPLINE_BUILD_TESTS=OFF -DWARPLINE_CUDA=OFF
}

compile() { # compile PRESET TARGET...
  cmake --build "$build_dir/$1" ${2:+--target "${@:2}"}
}

# compile_managed PROJECT: skipped where nothing changed since the last time, because even then MSBuild takes seconds.
compile_managed() {
  local stamp="$build_dir/stamp-${1##*/}" sources=(bindings managed tests/managed bench/managed tools)
  up_to_date "$stamp" "${sources[@]}" "$1" Directory.*.* global.json .editorconfig "$build_dir/lib" && return
  touch "$stamp.new"
  dotnet build "$1" -c Release -v quiet
  mv "$stamp.new" "$stamp"
}

# The C sample is built as its reader would: against the installed library.
build_sample() {
  local stamp="$build_dir/stamp-sample" install="$build_dir/install"
  up_to_date "$stamp" samples/c native/include "$build_dir/lib" && return
  touch "$stamp.new"
  cmake --install "$native_dir" --prefix "$install"
  cmake -S samples/c -B "$native_dir/samples" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$install"
  cmake --build "$native_dir/samples"
  mv "$stamp.new" "$stamp"
}

c_sources() { git ls-files -- '*.h' '*.c' '*.cpp' '*.cu' '*.cuh'; }

check_format() {
  if command -v clang-format-14 >/dev/null; then
    c_sources | xargs -r clang-format-14 --dry-run -Werror
  else
    echo "no clang-format-14 here: C and C++ not checked"
  fi
  dotnet format whitespace . --folder --verify-no-changes --include bindings/ managed/ tests/managed/ bench/managed/ tools/
}

apply_format() {
  c_sources | xargs -r clang-format-14 -i
  dotnet format Kernels.sln
}

# All of them, whichever misses a bar; fails if one did. Every figure goes to build/bench.
run_benchmarks() {
  local program name status=0
  echo >&3
  mkdir -p "$build_dir/bench"
  for program in "$native_dir"/bench/*_bench; do
    name=$(basename "$program" _bench)
    "$program" --json "$build_dir/bench/$name.json" >&3 || status=1
  done
  dotnet "$dotnet_dir/bin/Warpline.Benchmarks/release/Warpline.Benchmarks.dll" >&3 || status=1
  return $status
}

verb_setup() {
  while [ $# -gt 0 ]; do
    case $1 in
      --cuda) get_toolkit=get_cuda_toolkit ;;
      *) usage >&2 && exit 2 ;;
    esac
    shift
  done
  step "install packages" "see the log's last line, then run ./build.sh setup again" install_packages develop
  step "check the .NET SDK" "install the .NET 10 SDK from https://dot.net/download and put dotnet on the PATH" check_sdk
  if [ -n "$get_toolkit" ]; then
    step "get the CUDA toolkit" "$cuda_remedy" "$get_toolkit"
  fi
}

verb_build() {
  verb_setup
  step "configure native code" "delete the folder build and try again" configure_all -DWARPLINE_BUILD_TESTS=ON -DWARPLINE_EMULATOR=ON
  step "compile native code" "mend the first error in the log" compile cpu
  step "compile managed code" "mend the first error in the log" compile_managed Kernels.sln
}

verb_demo() {
  local picture=
  case "$*" in
    "") ;;
    --picture) picture=docs/demo.svg ;;
    *) usage >&2 && exit 2 ;;
  esac
  step "install packages" "see the log's last line, then run ./build.sh demo again" install_packages run
  step "check the .NET SDK" "install the .NET 10 SDK from https://dot.net/download and put dotnet on the PATH" check_sdk
  step "configure native code" "delete the folder build and try again" configure_library
  step "compile native code" "mend the first error in the log" compile cpu warpline
  step "build the C sample" "mend the first error in the log" build_sample
  step "compile managed code" "mend the first error in the log" compile_managed managed/Warpline.Cli/Warpline.Cli.csproj
  local sample=${native_dir#"$root"/}/samples/storyteller
  if [ -n "$picture" ]; then
    step "compile the drawing tool" "mend the first error in the log" compile_managed tools/demo-picture/Warpline.DemoPicture.csproj
    step "draw the demonstration" "read the log" \
      dotnet "$dotnet_dir/bin/Warpline.DemoPicture/release/Warpline.DemoPicture.dll" "$picture" --samples samples --c-sample "$sample"
  else
    dotnet "$dotnet_dir/bin/Warpline.Cli/release/Warpline.Cli.dll" demo --samples samples --c-sample "$sample"
  fi
}

verb_test() {
  while [ $# -gt 0 ]; do
    case $1 in
      --full) export WARPLINE_TEST_FULL=1 ;;
      -*) usage >&2 && exit 2 ;;
      *) filter=$1 ;;
    esac
    shift
  done
  # These runs prove the machine code too, wherever a toolkit can be had; the long one fails without it.
  if [ "${CI:-}" = true ] || [ -n "${WARPLINE_TEST_FULL:-}" ]; then get_toolkit=get_cuda_toolkit_in_ci; fi
  if [ -n "${WARPLINE_TEST_FULL:-}" ] && can_get_cuda_toolkit; then export WARPLINE_CUDA_REQUIRED=1; fi
  verb_build
  step "check formatting" "run ./build.sh format" check_format
  rm -f "$totals"
  step "run native tests" "read the log" run_native_tests
  step "run managed tests" "read the log" run_managed_tests
  step "run interop tests" "read the log" run_interop_tests
  if [ "${CI:-}" = true ] || [ -n "${WARPLINE_TEST_FULL:-}" ]; then
    # The emulated kernels are sanitized in the long run only: they take longer to compile than all else.
    step "configure sanitized code" "delete the folder build/asan and try again" \
      configure asan -DWARPLINE_BUILD_TESTS=ON ${WARPLINE_TEST_FULL:+-DWARPLINE_EMULATOR=ON}
    step "compile sanitized code" "mend the first error in the log" compile asan
    step "run sanitized tests" "read the log" run_google_tests asan- "$build_dir/asan/tests"
  fi
  if [ -n "${WARPLINE_TEST_FULL:-}" ]; then
    step "fuzz the C ABI" "read the log; the bytes of a bad call lie in build/fuzz" run_fuzzers
  fi
  summary
}

verb_bench() {
  verb_setup
  step "configure native code" "delete the folder build and try again" configure_all -DWARPLINE_BUILD_BENCH=ON
  step "compile native code" "mend the first error in the log" compile cpu
  step "compile managed code" "mend the first error in the log" compile_managed Kernels.sln
  step "run benchmarks" "see which bar was missed above" run_benchmarks
}

verb_pack() {
  verb_setup
  step "configure native code" "delete the folder build and try again" configure_library
  step "compile native code" "mend the first error in the log" compile cpu warpline
  step "prepare native libraries" "read the log" prepare_native_libraries "$build_dir/lib/libwarpline.so" "$build_dir/packed-native"
  step "write packages" "mend the first error in the log" write_packages "$build_dir/packages"
}

verb_format() {
  step "install formatter" "install clang-format 14 and try again" install_formatter
  step "format sources" "mend the first error in the log" apply_format
}

verb_clean() {
  rm -rf "$build_dir"
}

verb=${1:-}
[ $# -eq 0 ] || shift
case $verb in
  setup | build | demo | test | bench | pack | format | clean) "verb_$verb" "$@" ;;
  help | --help | -h) usage ;;
  *) usage >&2 && exit 2 ;;
esac
