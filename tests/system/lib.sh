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

# test_module NAME: adds tests/kernel/NAME.c, built for the host kernel, as /root/NAME.ko.
test_module() {
  local flavour=${HOST_KERNEL:-cloud} farm=$work/modules
  mkdir -p "$farm"
  cp "$root/tests/kernel/$1.c" "$farm"
  echo "obj-m := $1.o" >"$farm/Kbuild"
  make -C "${RING1_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ring1}/headers/${flavour%%-*}" M="$farm" modules >"$work/build.log" 2>&1 ||
    { cat "$work/build.log"; fail "$1.ko could not be built"; }
  files+=(--file "$farm/$1.ko:root/$1.ko")
}

finish() {
  [ "$failures" = 0 ] || { say "$failures failed"; exit 1; }
  say "all passed"
}
