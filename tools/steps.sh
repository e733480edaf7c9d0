# Sourced by build.sh: how a step is run and shown. Needs root (the checkout) and log_dir.

seconds_since() { # seconds_since MICROSECONDS: "1.2 s"
  local tenths=$(((${EPOCHREALTIME/[.,]/} - $1 + 50000) / 100000))
  printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

# step NAME REMEDY COMMAND...: runs COMMAND into a log of its own, one line with its time. When it fails: the end of the
# log, where the log is, and the one thing to do. Fd 3 is what the user sees, for commands that have more to say.
step() {
  local name=$1 remedy=$2 start=${EPOCHREALTIME/[.,]/} log="$log_dir/${1// /-}.log" status
  shift 2
  mkdir -p "$log_dir"
  printf '%-34s' "$name"
  # Not "command || status": that would switch off -e inside the command.
  set +e
  (
    set -e
    "$@"
  ) 3>&1 >"$log" 2>&1 </dev/null
  status=$?
  set -e
  if [ $status -ne 0 ]; then
    printf 'failed after %s\n' "$(seconds_since "$start")"
    tail -n 20 "$log" | sed 's/^/  | /'
    printf '  log: %s\n  to do: %s\n' "${log#"$root"/}" "$remedy"
    exit 1
  fi
  printf '%8s\n' "$(seconds_since "$start")"
}

# up_to_date STAMP PATH...: whether nothing below the paths (added and removed files included) is newer than STAMP.
up_to_date() {
  local stamp=$1
  shift
  [ -e "$stamp" ] && [ -z "$(find "$@" -newer "$stamp" -print -quit 2>&1)" ]
}
