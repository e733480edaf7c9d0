# Sourced by tools/gpu-check: what each stage does. A stage fails by its status; `skip REASON` says what it lacks. Needs root,
# build, pack and jobs.
source tools/cuda-toolkit.sh

# A status of its own, which no program here ends with.
skip_code=77
skip() {
  echo "$1" >"$build/state/$inside.reason"
  exit $skip_code
}

# gpu_query FIELD: of the first card; nothing where there is none.
gpu_query() {
  if command -v nvidia-smi >/dev/null; then
    { nvidia-smi --query-gpu="$1" --format=csv,noheader 2>/dev/null || true; } | sed -n 1p
  fi
}

# unpack_carried NAME: what gpu-pack packed under that name, as $build/NAME; fails where it was not carried.
unpack_carried() {
  local archive=$pack/$1.tar.xz
  [ -e "$archive" ] || return 1
  mkdir -p "$build/$1"
  if command -v xz >/dev/null; then
    tar -xJf "$archive" -C "$build/$1"
  else
    python3 -m tarfile -e "$archive" "$build/$1"
  fi
}

# Without the CPU backend, which needs oneTBB and Highway; warnings are errors; all errors, not the first only.
stage_compile() {
  local toolkit googletest=/usr/src/googletest/googletest tests=ON
  toolkit=$(find_cuda_toolkit) || skip "no CUDA toolkit of $cuda_release_wanted or newer"
  if unpack_carried googletest; then googletest=$build/googletest; fi
  if [ ! -e "$googletest/CMakeLists.txt" ]; then
    echo "no sources of GoogleTest: the library is built, its tests are not"
    tests=OFF
  fi
  cmake -S . -B "$build/native" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWARPLINE_CPU=OFF -DWARPLINE_CUDA=ON \
    -DWARPLINE_CUDA_TOOLKIT="$toolkit" -DWARPLINE_BUILD_TESTS=$tests -DWARPLINE_GTEST_SOURCE="$googletest" -DWARPLINE_BUILD_BENCH=ON
  cmake --build "$build/native" --parallel "$jobs" -- -k 0
}

stage_machine_code() {
  local toolkit library=$build/lib/libwarpline_cuda12.so
  toolkit=$(find_cuda_toolkit) || skip "no CUDA toolkit of $cuda_release_wanted or newer"
  "$build/native/tools/sass-report/sass-report" --cuobjdump "$toolkit/bin/cuobjdump" --library "$library" \
    --gates tests/native/sass-gates.txt --output "$build/machine-code.md"
}

# What tools/suites.sh needs; totals of all stages meet in one file.
begin_suites() {
  log_dir=$build/log totals=$build/totals.txt filter=
  source tools/steps.sh
  source tools/suites.sh
  exec 3>&1
}

stage_native_tests() {
  local programs=("$build"/native/tests/*_test) program
  [ -e "${programs[0]}" ] || skip "no test program was built: see the log of compile"
  begin_suites
  for program in "${programs[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
    run_google_test "${program##*/}" "$program" &
  done
  wait
  end_of_suites
  [ "$(wc -l <"$totals")" = ${#programs[@]} ] || { echo "of ${#programs[@]} programs some left no result" && return 1; }
  summary
}

stage_managed_tests() {
  unpack_carried managed-tests || skip "the managed tests were not carried: $pack/managed-tests.tar.xz"
  begin_suites
  export WARPLINE_DEVICE=cuda WARPLINE_TEST_ROOT=$root LD_LIBRARY_PATH=$build/managed-tests
  run_nunit Warpline.Tests cuda- "$build/managed-tests/Warpline.Tests"
  end_of_suites
  awk '$1 == "cuda-Warpline.Tests" { found = $2 > 0 && $3 == 0 } END { exit !found }' "$totals"
}

# sanitize TOOL: the tests of tests/native/sanitizer-set.txt, a process for each program.
sanitize() {
  local tool=$1 toolkit sanitizer program tests output status=0
  toolkit=$(find_cuda_toolkit) || skip "no CUDA toolkit of $cuda_release_wanted or newer"
  sanitizer=$toolkit/bin/compute-sanitizer
  [ -x "$sanitizer" ] || sanitizer=$(command -v compute-sanitizer) || skip "no compute-sanitizer"
  while read -r program tests; do
    output=$("$sanitizer" --tool "$tool" --error-exitcode 9 --print-limit 20 "$build/native/tests/$program" \
      --gtest_color=no --gtest_filter="$tests" 2>&1) || status=1
    echo "$output"
    # A set that names a test which is gone, or skips it, proves less than it says.
    [ "$(grep -c '^\[       OK \]' <<<"$output")" = "$(tr ':' '\n' <<<"$tests" | wc -l)" ] || {
      echo "$program: not all of $tests passed"
      status=1
    }
  done < <(awk '!/^#/ { tests[$1] = tests[$1] ":" $2 } END { for (program in tests) print program, substr(tests[program], 2) }' \
    tests/native/sanitizer-set.txt)
  return $status
}
stage_memcheck() { sanitize memcheck; }
stage_racecheck() { sanitize racecheck; }
stage_synccheck() { sanitize synccheck; }
stage_initcheck() { sanitize initcheck; }

# Fails where a bar is missed too; what was measured is in the report all the same.
stage_benchmarks() {
  python3 -c 'import torch; assert torch.cuda.is_available()' || skip "no PyTorch that sees the GPU"
  python3 -B bench/peers/run.py --library "$build/lib/libwarpline_cuda12.so" \
    --ceilings "$build/native/bench/libwarpline_ceilings.so" --output "$build/peers"
}
