# Sourced by build.sh: runs the test programs and adds up what they say. Each run leaves one line in $totals:
# name, passed, failed, skipped. Needs root, build_dir, native_dir, log_dir, totals, dotnet_dir and filter (may be empty).

# A skip counts as a failure unless tests/expected-skips.txt lists it: a pattern of PROGRAM/TEST, then '#' and the reason.
unexpected_skips() { # names on stdin
  local name pattern found
  while read -r name; do
    found=
    while read -r pattern; do
      # shellcheck disable=SC2053 # a pattern on purpose
      if [[ $name == $pattern ]]; then found=1; fi
    done < <(sed 's/[[:space:]]*#.*//; /^$/d' "$root/tests/expected-skips.txt")
    [ -n "$found" ] || echo "$name"
  done
}

# finish_suite NAME STATUS PASSED FAILED SKIPPED: names of skipped tests on stdin, of failed ones in $failures. A program
# that ran nothing (unless a filter is why), died or skipped what it may not has failed, whatever it counted.
finish_suite() {
  local name=$1 status=$2 passed=$3 failed=$4 skipped=$5 skip
  while read -r skip; do
    failed=$((failed + 1)) skipped=$((skipped - 1))
    failures+=$'\n'"$skip (skipped, but not in tests/expected-skips.txt)"
  done < <(sed "s|^|$name/|" | unexpected_skips)
  if [ $((passed + failed + skipped)) = 0 ] && [ -z "$filter" ]; then
    failed=1 failures+=$'\n'"ran no test"
  elif [ "$status" != 0 ] && [ "$failed" = 0 ] && [ $((passed + skipped)) != 0 ]; then
    failed=1 failures+=$'\n'"ended with status $status"
  fi
  printf '%s %d %d %d\n' "$name" "$passed" "$failed" "$skipped" >>"$totals"
  printf '\n  %-36s%5d passed, %d failed, %d skipped' "$name" "$passed" "$failed" "$skipped" >&3
  if [ "$failed" != 0 ]; then
    printf '\n    log: %s' "${log_dir#"$root"/}/$name.log" >&3
    sed '/^$/d; s/^/\n    failed: /' <<<"$failures" | tr -s '\n' | head -c -1 >&3
  fi
}

# The step's time then stands in its own line, in its usual column.
end_of_suites() { printf '\n%-34s' '' >&3; }

run_google_test() { # run_google_test NAME PROGRAM
  local name=$1 program=$2 log="$log_dir/$1.log" status=0 failures
  # An allocation that is refused is a case under test, with sanitizers too.
  ASAN_OPTIONS=allocator_may_return_null=1 timeout 1500 "$program" --gtest_color=no ${filter:+"--gtest_filter=*$filter*"} >"$log" 2>&1 || status=$?
  named() { sed -nE "s/^\[ *$1 *\] (.*) \([0-9]+ ms\)\$/\1/p" "$log"; }
  failures=$(named FAILED)
  named SKIPPED | finish_suite "$name" "$status" "$(named OK | wc -l)" "$(named FAILED | wc -l)" "$(named SKIPPED | wc -l)"
}

run_google_tests() { # run_google_tests PREFIX FOLDER [NAMES]...: the folder's test programs of these names, reported as PREFIX and name
  local names=("${@:3}") name program
  for name in "${names[@]:-*}"; do
    for program in "$2"/${name}_test; do run_google_test "$1${program##*/}" "$program"; done
  done
  end_of_suites
}

# All of them; those of the emulated GPU once more where its arithmetic is no kinder than the hardware's and, in the long run, where
# every access is checked: but for the slowest, which compares bits (more than 15 minutes when checked).
run_native_tests() {
  local tests=$native_dir/tests others=(device_attention 'device_attention_[!i]*' 'device_[!a]*')
  run_google_tests "" "$tests"
  WARPLINE_EMULATOR_NUMERICS=11 run_google_tests numerics- "$tests" "${others[@]}"
  if [ -n "${WARPLINE_TEST_FULL:-}" ]; then
    LD_PRELOAD=$build_dir/lib/libwarpline_emu_checked.so run_google_tests checked- "$tests" "${others[@]}"
  fi
}

# run_nunit PROJECT [PREFIX [PROGRAM]]: reported as PREFIX and its name; PROGRAM where it is not the one that was built here
run_nunit() {
  local name=${2:-}$1 log="$log_dir/${2:-}$1.log" status=0 failures program=(dotnet "$dotnet_dir/bin/$1/release/$1.dll")
  [ $# -lt 3 ] || program=("$3")
  timeout 1500 "${program[@]}" --no-ansi --progress off --output Detailed \
    ${filter:+--filter "FullyQualifiedName~$filter"} >"$log" 2>&1 || status=$?
  named() { sed -nE "s/^$1 (.*) \([^()]*\)\$/\1/p" "$log"; }
  counted() { sed -nE "s/^ *$1: ([0-9]+).*/\1/p" "$log" | tail -n 1; }
  failures=$(named failed)
  named skipped | finish_suite "$name" "$status" "$(counted succeeded)" "$(counted failed)" "$(counted skipped)"
}

# On the CPU, then with the emulated GPU.
run_managed_tests() {
  run_nunit Warpline.Tests
  WARPLINE_DEVICE=emu run_nunit Warpline.Tests emu-
  end_of_suites
}

run_interop_tests() {
  run_nunit Warpline.Interop.Tests
  end_of_suites
}

# A clang++ that links libFuzzer.
fuzzing_clang() {
  local clang
  for clang in clang++ clang++-{22..14}; do
    clang=$(command -v "$clang") || continue
    if "$clang" -x c++ -fsanitize=fuzzer,address,undefined -o "$build_dir/fuzzer-probe" - >&2 \
      <<<'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }'; then
      echo "$clang"
      return
    fi
  done
  return 1
}

# libFuzzer on each target of tests/corpus/native, for WARPLINE_FUZZ_SECONDS each; what it learns stays in build/fuzz/corpus.
run_fuzzers() {
  local clang folder target failures= passed=0 failed=0
  if ! clang=$(fuzzing_clang); then
    finish_suite abi_fuzz 0 0 0 1 <<<all
    end_of_suites
    return
  fi
  configure fuzz "-DCMAKE_C_COMPILER=${clang/clang++/clang}" "-DCMAKE_CXX_COMPILER=$clang"
  compile fuzz abi_fuzz
  for folder in "$root"/tests/corpus/native/*; do
    target=${folder##*/}
    [[ $target == *$filter* ]] || continue
    mkdir -p "$build_dir/fuzz/corpus/$target"
    if ASAN_OPTIONS=allocator_may_return_null=1 "$build_dir/fuzz/abi_fuzz" --target="$target" -max_len=64 -timeout=300 \
      -max_total_time="${WARPLINE_FUZZ_SECONDS:-20}" -artifact_prefix="$build_dir/fuzz/$target-" \
      "$build_dir/fuzz/corpus/$target" "$folder" >"$log_dir/abi_fuzz-$target.log" 2>&1; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1)) failures+=$'\n'"$target (log: abi_fuzz-$target.log)"
    fi
  done
  finish_suite abi_fuzz 0 "$passed" "$failed" 0 </dev/null
  end_of_suites
}

# The last line of a test run; fails if anything failed or nothing passed.
summary() {
  awk '{ passed += $2; failed += $3; skipped += $4 }
       END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 || passed == 0 }' "$totals"
}
