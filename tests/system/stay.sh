#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# How long the host's interrupts wait for the monitor, in instructions, while guests and callers do what takes longest
# (tests/ioctl/stay_test.cpp), on each engine that can be had here.
. "$(dirname "$0")/lib.sh"

files=(--file "$RING1_BUILD/tests/ioctl/ioctl_test:bin/ioctl_test")
# stay CPU MACHINE-TYPE COUNT TEST...
stay() {
  local cpu=$1 type=$2 count=$3
  shift 3
  say "machine type $type: $*"
  host "for test in $*; do ioctl_test --counted --machine-type $type \$test; done; ring1 ps >/dev/null && echo lives" \
    CPU="$cpu" ICOUNT=1 TIMEOUT="${TIMEOUT:-300}" || fail "the host ended with $?"
  sed 's/^/    /' "$work/out"
  grep -qE '^(FAIL|SKIP)' "$work/out" && fail "see above"
  [ "$(grep -c '^PASS stay_' "$work/out")" = "$count" ] || fail "not all tests passed"
  grep -q '^lives$' "$work/out" || fail "the host does not live"
}
stay core2duo 0x72310100 11 stay_
# Most others are about what only a guest in translation makes the monitor do.
stay EPYC,+svm 0x72310101 3 stay_forget stay_log_dirty stay_string
finish
