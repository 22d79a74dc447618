# SPDX-License-Identifier: GPL-2.0-only
# Shared by the set-up scripts: where things are kept, how progress and failure are told. Sourced, not run.

cache=${RING1_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ring1}
mirror=${RING1_MIRROR:-http://deb.debian.org/debian}
suite=bookworm
security_mirror=${RING1_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
# The kernel that is the emulated host, and the kernels that are guests: Debian's flavours. The others are fetched when
# they are asked for: the module must build for all of them.
host_flavours='cloud plain'
other_flavours='rt cloud6.12 plain6.12 rt6.12'
guest_flavours='686-pae 686'

# metapackage image|headers FLAVOUR
metapackage() {
  local name=linux-$1
  case $2 in
    *6.12) name+=-6.12 ;;
  esac
  case $2 in
    plain*) echo "$name-amd64" ;;
    *) echo "$name-${2%6.12}-amd64" ;;
  esac
}

# The archive that has this flavour.
archive_of() {
  case $1 in
    *6.12) echo security ;;
    *) echo main ;;
  esac
}

say() { printf 'ring1: %s\n' "$*" >&2; }

# die WHAT HINT: every failed step says what to do about it.
die() {
  printf 'ring1: error: %s\n' "$1" >&2
  [ -z "${2-}" ] || printf 'ring1: what to do: %s\n' "$2" >&2
  exit 1
}

# A step is done once: stamped NAME, then the commands, then stamp NAME.
stamped() { [ -e "$cache/stamp/$1" ]; }
stamp() { mkdir -p "$cache/stamp" && : >"$cache/stamp/$1"; }

# quietly COMMAND...: its output is shown only when it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 || status=$?
  [ $status -eq 0 ] || cat "$log" >&2
  rm -f "$log"
  return $status
}
