#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Engine svm on emulated AMD-V: the stock guests with nested and with shadow paging, two engines side by side, and what
# `ring1 check` says.
. "$(dirname "$0")/lib.sh"

files=(--file "$RING1_BUILD/guests/tables:root/tables" --file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test")

# There is only bt then, and asking for another engine says why not.
say "a processor without AMD-V"
host 'ring1 check; ring1 run --engine svm --kernel /root/tables' CPU=core2duo && fail "a guest ran on svm without AMD-V"
grep -q '^engine bt *usable, the default' "$work/out" || fail "check: $(cat "$work/out")"
grep -q 'engine svm: the processor has no AMD-V' "$work/out" "$work/err" || fail "no reason why not svm"

export CPU=EPYC,+svm
# boot GUEST ARGUMENTS
boot() {
  say "booting $1 with $2"
  if ! guest 'uname -r; dmesg | grep -i -e BUG -e WARNING | grep -vc -e "and report a bug" -e "AMD Zen1" -e "not a bug"; true' GUEST="$1" RING1_ARGS="$2" \
      STATS="$work/stats" TIMEOUT=240; then
    fail "$1 with $2 did not end well"
  elif [ "$(tail -n 1 "$work/out")" != 0 ]; then
    fail "$1 has complaints in its log"
  else
    grep -q '"tc_translations": 0[,}]' "$work/stats" || fail "$1 with $2 was translated"
    say "$1: $(head -n 1 "$work/out"), $seconds s"
  fi
}
boot 686 '--engine svm'
boot amd64 '--engine svm'
# The engine takes shadow tables for this one by itself: docs/hwaccel.md.
boot 686-pae '--engine svm'

say "the interface, with svm as the default; two engines at once"
host 'ring1 check | grep ^engine
sh -c "ring1 run --engine bt --kernel /root/tables --isa-debug-exit >/tmp/bt" & first=$!
ring1 run --engine svm --kernel /root/tables --isa-debug-exit >/tmp/svm
wait $first
grep -h " 0 failed" /tmp/bt /tmp/svm
/root/ioctl_test; echo ioctl $?
dmesg | grep -E "BUG|WARNING|Oops|Call Trace"
rmmod ring1 && echo unloaded' || fail "the host ended with $?"
grep -q '^engine svm *usable, the default' "$work/out" || fail "check: $(grep ^engine "$work/out")"
[ "$(grep -c ' passed, 0 failed' "$work/out")" = 2 ] || fail "two engines at once: $(head -n 20 "$work/out")"
grep -q '^ioctl 0$' "$work/out" || fail "the interface: $(grep -i fail "$work/out")"
grep -q '^unloaded$' "$work/out" || fail "the module does not unload"
finish
