#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Code that nobody translated runs at ring 1 (tests/ioctl/wild_test.cpp) on one of two processors,
# beside a guest that must not notice. Afterwards the host lives, has nothing to complain of, and runs another guest.
. "$(dirname "$0")/lib.sh"

files=(--file "$RING1_BUILD/guests/tables:root/tables" --file "$RING1_BUILD/tests/ioctl/ioctl_test:bin/ioctl_test")
say "any bytes at ring 1"
host 'tables() { timeout 120 ring1 run --kernel /root/tables --mem 32M --isa-debug-exit </dev/null 2>&1 | grep -q "^PASS" && echo "passed $1"; }
while [ ! -e /tmp/over ]; do tables beside; sleep 5; done & neighbour=$!
for test in software_interrupts instructions descriptors far_transfers returns breakpoints bytes; do
  ioctl_test --machine-type 0x72310100 wild_$test || echo "BAD: $test"
done
touch /tmp/over; wait $neighbour
tables behind
dmesg | grep -E "BUG|WARNING|Oops|general protection|unable to handle|Call Trace"
rmmod ring1 && echo unloaded' SMP=2 TIMEOUT="${TIMEOUT:-300}" || fail "the host ended with $?"
sed 's/^/    /' "$work/out"
grep -qE '^(BAD|SKIP)' "$work/out" && fail "see above"
[ "$(grep -c '^PASS wild_' "$work/out")" = 7 ] || fail "not all tests passed"
grep -q '^passed beside$' "$work/out" || fail "the guest beside them"
grep -q '^passed behind$' "$work/out" || fail "the guest behind them"
grep -qE 'BUG|WARNING|Oops|general protection|unable to handle|Call Trace' "$work/out" && fail "the host's log"
grep -q '^unloaded$' "$work/out" || fail "the module does not unload"
say "$seconds s"
finish
