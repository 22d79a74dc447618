#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The module builds without a warning for Debian's other kernels, and on 6.12 it works: a guest, and the interface. With
# RING1_MATRIX all of them are built; the matrix boots Linux on each.
. "$(dirname "$0")/lib.sh"

flavours='rt cloud6.12'
[ -z "${RING1_MATRIX:-}" ] || flavours+=' plain6.12 rt6.12'

# A warning is a line that names one, in whatever way the tool that gives it writes it.
say "building for $flavours"
bash "$root/scripts/setup.sh" $flavours 2>"$work/err" || skip "not to be fetched: $(tail -n 2 "$work/err")"
for flavour in $flavours; do
  bash "$root/scripts/build-module.sh" "$RING1_BUILD" $flavour 2>"$work/err" || { fail "no module for $flavour"; continue; }
  log=$RING1_BUILD/module/$flavour/build.log
  grep -q 'LD \[M\].*ring1\.ko' "$log" || fail "$flavour: $log does not tell of a build"
  if grep -i warning "$log" >"$work/err"; then fail "$flavour: the build warns"; fi
done
[ "$failures" = 0 ] || finish

# Indirect branches are tracked where processor and kernel can: then all code that is called through a pointer begins with
# ENDBR64 (f3 0f 1e fa). Emulators do not know it, so look at the handlers that an NMI may find under the host's CR4.
say "handlers of the transition"
module=$RING1_BUILD/module/cloud6.12/ring1.ko
for handler in nmi mce fault; do
  objdump -d --disassemble=ring1_transition_$handler "$module" | grep -A 1 "<ring1_transition_$handler>:" | grep -q endbr64 ||
    fail "ring1_transition_$handler does not begin with ENDBR64"
done

say "a guest and the interface on 6.12"
files=(--file "$RING1_BUILD/guests/tables:root/tables" --file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test")
host 'uname -r
ring1 run --kernel /root/tables --isa-debug-exit | sed -n "s/.* 0 failed/&/p"
/root/ioctl_test stat
dmesg | grep -E "BUG|WARNING|Oops|Call Trace"
rmmod ring1 && echo unloaded' HOST_KERNEL=cloud6.12 TIMEOUT=300 || fail "the host ended with $?"
grep -q '^6\.12\.' "$work/out" || fail "the host is $(head -n 1 "$work/out")"
grep -q ' passed, 0 failed' "$work/out" || fail "the guest: $(cat "$work/out")"
grep -q '^0 of [1-9][0-9]* tests failed' "$work/out" || fail "the interface: $(cat "$work/out")"
grep -q '^unloaded$' "$work/out" || fail "the module does not unload"
grep -E 'BUG|WARNING|Oops|Call Trace' "$work/out" && fail "complaints in the host's log"
finish
