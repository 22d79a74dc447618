#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a caller brings along, and what a guest leaves behind, does not reach the host: on each engine that QEMU offers.
. "$(dirname "$0")/lib.sh"

files=(--file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test")
types='for type in 0x72310100 0x72310101; do'

say "segment registers of the caller"
host "$types"' /root/ioctl_test --machine-type $type host_segment; echo "segments $?"; done
dmesg | grep -E "BUG|WARNING|Oops|Call Trace"; true' CPU=EPYC,+svm SMP=2 TIMEOUT=120 || fail "the host ended with $?"
[ "$(grep -c '^segments 0$' "$work/out")" = 2 ] || fail "segments: $(cat "$work/out")"
grep -E 'BUG|WARNING|Oops|Call Trace|SKIP' "$work/out" && fail "complaints in the host's log, or tests left out"
finish
