#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Engine svm on emulated AMD-V: the stock guests with nested and with shadow paging, two engines side by side, what
# `ring1 check` says, a processor that goes, and kvm-amd in the way.
. "$(dirname "$0")/lib.sh"

files=(--file "$RING1_BUILD/guests/tables:root/tables" --file "$RING1_BUILD/guests/hostile:root/hostile"
  --file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test")

# There is only bt then, and asking for another engine says why not.
say "a processor without AMD-V"
host 'ring1 check; ring1 run --engine svm --kernel /root/tables' CPU=core2duo && fail "a guest ran on svm without AMD-V"
grep -q '^engine bt *usable, the default' "$work/out" || fail "check: $(cat "$work/out")"
grep -q 'engine svm: the processor has no AMD-V' "$work/out" "$work/err" || fail "no reason why not svm"

# Time counted in instructions, here and wherever the tests use AMD-V: otherwise the emulator may lose an interrupt
# (docs/findings.md).
export CPU=EPYC,+svm ICOUNT=250
# boot GUEST ARGUMENTS
boot() {
  say "booting $1 with $2"
  if ! guest 'uname -r; dmesg | grep -i -e BUG -e WARNING | grep -vc -e "and report a bug" -e "AMD Zen1" -e "not a bug"; true' GUEST="$1" RING1_ARGS="$2" \
      STATS="$work/stats" TIMEOUT=480; then
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

# For the host's shell: until a process has its VM.
alive='alive() { n=0; until ring1 ps | grep -qw $1; do n=$((n + 1)); [ $n -lt 600 ] || return 1; sleep 0.2; done; }
'

# In real time: counted, an endless guest on one of two processors would hold back the other one's clock.
say "a processor goes and comes back"
host "$alive"'tables() { timeout 120 "$@" ring1 run --engine svm --kernel /root/tables --isa-debug-exit 2>&1 | sed -n "s/.* 0 failed/&/p"; }
second=/sys/devices/system/cpu/cpu1/online
endless() { exec taskset 2 ring1 run --engine svm --kernel /root/hostile --append hole >/dev/null 2>&1; }
endless & guest=$!
alive $guest
echo 0 >$second && kill -0 $guest && echo offline
tables env
echo 1 >$second && kill -0 $guest && echo online
tables taskset 2
kill $guest; wait $guest
tables taskset 2
dmesg | grep -E "BUG|WARNING|Oops|Call Trace"
rmmod ring1 && echo unloaded' SMP=2 ICOUNT=0 || fail "the host ended with $?"
[ "$(grep -c ' passed, 0 failed' "$work/out")" = 3 ] && [ "$(grep -cE '^(offline|online|unloaded)$' "$work/out")" = 3 ] ||
  fail "two processors: $(cat "$work/out")"

# KVM has a VM alive and so holds AMD-V: a refusal, and bt serves. Its VM gone, svm works, and then it is KVM that must wait.
say "kvm-amd first"
files+=(--module kvm-amd)
host "$alive"'tables() { ring1 run "$@" --kernel /root/tables --isa-debug-exit 2>&1; }
endless() { exec ring1 run "$@" --kernel /root/hostile --append hole >/dev/null 2>&1; }
endless --device /dev/kvm & other=$!
alive $other
tables --engine svm
ring1 check
tables | sed -n "s/.* 0 failed/default: &/p"
tables --engine bt | sed -n "s/.* 0 failed/bt: &/p"
kill $other; wait $other
tables --engine svm | sed -n "s/.* 0 failed/svm: &/p"
endless --engine svm & other=$!
alive $other
tables --device /dev/kvm | tail -n 1 | sed "s/^/kvm: /"
kill -0 $other && echo alive
kill $other; wait $other
tables --device /dev/kvm | sed -n "s/.* 0 failed/kvm: &/p"
dmesg | grep -E "BUG|WARNING|Oops|Call Trace"; true' || fail "the host ended with $?"
expect() { grep -qE "$1" "$work/out" || fail "$2; the host said: $(cat "$work/out")"; }
expect '^ring1: engine svm: another hypervisor .* holds AMD-V: end its guests' "no clear refusal"
expect '^engine svm *no: another hypervisor' "ring1 check does not tell that AMD-V is held"
expect '^engine bt *usable, the default' "bt is not the default meanwhile"
for engine in default bt svm kvm; do expect "^$engine: .* passed, 0 failed" "$engine beside kvm-amd"; done
expect '^kvm: ring1: .*cannot create a VM' "KVM got AMD-V beside us"
expect '^alive$' "our guest died of KVM's attempt"
grep -E 'BUG|WARNING|Oops|Call Trace' "$work/out" && fail "complaints in the host's log"
finish
