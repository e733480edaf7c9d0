# Sourced by tools/gpu-check: one report of what the stages left below $build, as JSON and as Markdown. Needs root, build,
# stages, card and driver.

# slug TEXT: lower case, for a file's name.
slug() { tr '[:upper:]' '[:lower:]' <<<"$1" | tr -cs 'a-z0-9\n' - | sed 's/^-//; s/-$//'; }

# json_string: stdin as one JSON string.
json_string() {
  tr -d '\000-\010\013-\037\177' | awk 'BEGIN { printf "\"" }
    { gsub(/\\/, "\\\\\\\\"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); printf "%s%s", (NR > 1 ? "\\n" : ""), $0 }
    END { printf "\"" }'
}
json_text() { printf '%s' "$1" | json_string; }

of_state() { cat "$build/state/$1.$2" 2>/dev/null || true; }

# What the compiler said that matters: its warnings and errors, then the time of the slowest sources.
compile_excerpt() {
  local log=$build/log/compile.log
  [ -e "$log" ] || return 0
  grep -E '^(-- (CUDA library|The CUDA compiler|The CXX compiler)|FAILED)|(warning|error)( #|:)|spill' "$log" |
    grep -v ' 0 bytes spill stores, 0 bytes spill loads' | head -n 60 || true
  awk -v log_file="$log" 'BEGIN {
      while ((getline line < log_file) > 0) {
        if (line ~ /^ptxas info.*Used/) kernels++
        if (line ~ / 0 bytes spill stores, 0 bytes spill loads/) clean++
      }
      printf "kernels compiled: %d, without a spilled register: %d\n", kernels, clean
    }'
  if [ -e "$build/native/.ninja_log" ]; then
    awk '!/^#/ && $4 ~ /\.cu\.o$/ { printf "%5.1f s  %s\n", ($2 - $1) / 1000, $4 }' "$build/native/.ninja_log" |
      sort -rn | head -n 5
  fi
}

# The end of a stage's log, where it failed.
failure_of() {
  case $(of_state "$1" status) in
    failed | "timed out") tail -n 25 "$build/log/$1.log" ;;
  esac
}

nvcc_version() {
  local toolkit
  toolkit=$(find_cuda_toolkit 2>/dev/null) && "$toolkit/bin/nvcc" --version | sed -n 's/.*release.*, V/V/p'
}
# The machine as NAME<tab>VALUE; an empty value is something that it has not.
machine_facts() {
  local fact
  printf 'card\t%s\ndriver\t%s\n' "$card" "$driver"
  for fact in compute_cap memory.total clocks.max.sm power.limit; do printf '%s\t%s\n' "$fact" "$(gpu_query $fact)"; done
  printf 'nvcc\t%s\n' "$(nvcc_version || true)"
  printf 'compiler\t%s\n' "$(c++ --version 2>/dev/null | sed -n 1p)"
  printf 'processor\t%s\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | sed -n 1p)"
  printf 'commit\t%s\n' "$(git rev-parse HEAD 2>/dev/null || sed -n 's/^commit //p' "$pack/MANIFEST" 2>/dev/null || true)"
}

write_json() {
  local stage name value comma= program passed failed skipped
  printf '{\n "report": "gpu-check",\n "date": "%s",\n "machine": {' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  while IFS=$'\t' read -r name value; do
    printf '%s\n  "%s": %s' "$comma" "$name" "$(json_text "$value")"
    comma=,
  done < <(machine_facts)
  printf '\n },\n "stages": ['
  comma=
  for stage in "${stages[@]}"; do
    name=${stage%% *}
    printf '%s\n  {"name": "%s", "status": "%s", "milliseconds": %d, "limit_seconds": %d, "reason": %s, "log_end": %s}' "$comma" \
      "$name" "$(of_state "$name" status)" "$(of_state "$name" milliseconds)" "$(of_state "$name" limit)" \
      "$(of_state "$name" reason | json_string)" "$(failure_of "$name" | json_string)"
    comma=,
  done
  printf '\n ],\n "tests": ['
  comma=
  if [ -e "$build/totals.txt" ]; then
    while read -r program passed failed skipped; do
      printf '%s\n  {"program": "%s", "passed": %d, "failed": %d, "skipped": %d}' "$comma" "$program" "$passed" "$failed" "$skipped"
      comma=,
    done < <(sort "$build/totals.txt")
  fi
  printf '\n ],\n "compile_log": %s,\n "peers": ' "$(compile_excerpt | json_string)"
  cat "$build/peers/peers.json" 2>/dev/null || echo null
  printf '}\n'
}

write_markdown() {
  local stage name value program passed failed skipped
  printf '# GPU check: %s, %s\n\n| | |\n|---|---|\n' "${card:-no GPU}" "$(date -u +%Y-%m-%d)"
  while IFS=$'\t' read -r name value; do printf '| %s | %s |\n' "$name" "${value:--}"; done < <(machine_facts)
  printf '\n| stage | result | seconds | limit |\n|---|---|---|---|\n'
  for stage in "${stages[@]}"; do
    name=${stage%% *} value=$(of_state "$name" reason)
    printf '| %s | %s | %d | %d |\n' "$name" "$(of_state "$name" status)${value:+: $value}" \
      $(($(of_state "$name" milliseconds) / 1000)) "$(of_state "$name" limit)"
  done
  if [ -e "$build/totals.txt" ]; then
    printf '\n| tests | passed | failed | skipped |\n|---|---|---|---|\n'
    while read -r program passed failed skipped; do
      printf '| %s | %d | %d | %d |\n' "$program" "$passed" "$failed" "$skipped"
    done < <(sort "$build/totals.txt")
  fi
  for stage in "${stages[@]}"; do
    name=${stage%% *} value=$(failure_of "$name")
    [ -z "$value" ] || printf '\n## The end of the log of %s\n```\n%s\n```\n' "$name" "$value"
  done
  value=$(compile_excerpt)
  [ -z "$value" ] || printf '\n## Compile log, excerpt\n```\n%s\n```\n' "$value"
  if [ -e "$build/peers/peers.md" ]; then
    printf '\n## Beside PyTorch\n'
    cat "$build/peers/peers.md"
  fi
}
