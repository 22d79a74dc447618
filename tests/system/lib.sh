# SPDX-License-Identifier: GPL-2.0-only
# For the system tests: running guests through the harness, and judging. A script ends with `finish`.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export RING1_BUILD=${RING1_BUILD:-$root/build}
work=$(mktemp -d "${TMPDIR:-/tmp}/ring1-system.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0

say() { printf '%(%T)T %s\n' -1 "$*"; }

skip() {
  say "skipped: $*"
  exit 77
}

# The reason, and the end of what the run said on stderr.
fail() {
  say "FAIL: $*"
  [ ! -s "$work/err" ] || tail -n 120 "$work/err" | sed 's/^/    /'
  failures=$((failures + 1))
}

# guest COMMAND [VARIABLE=VALUE...]: leaves the output in $work/out, what else was said in $work/err.
guest() {
  local command=$1 began=$SECONDS status
  shift
  env "$@" CMD="$command" /usr/bin/python3 "$root/harness/run.py" >"$work/out" 2>"$work/err"
  status=$?
  seconds=$((SECONDS - began))
  return $status
}

# host COMMAND [VARIABLE=VALUE...]: the same on the emulated host, with the module loaded. $files: more --file arguments.
host() {
  local command=$1 began=$SECONDS status
  shift
  env "$@" CMD="$command" /usr/bin/python3 "$root/harness/host.py" --ring1 "${files[@]}" >"$work/out" 2>"$work/err"
  status=$?
  seconds=$((SECONDS - began))
  return $status
}
files=()

finish() {
  [ "$failures" = 0 ] || { say "$failures failed"; exit 1; }
  say "all passed"
}
