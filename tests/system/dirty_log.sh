#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# KVM_GET_DIRTY_LOG says the same of a guest that scribbles over its memory on every engine, and on Linux' KVM.
. "$(dirname "$0")/lib.sh"

files=(--file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test" --module kvm-amd)

# The machine types of include/ring1/api.h: bt, svm, svm with shadow page tables.
host 'for type in 0x72310100 0x72310101 0x72310301; do
  echo "== $type"
  /root/ioctl_test --machine-type $type dirty_log
done
echo "== kvm"
/root/ioctl_test --device /dev/kvm dirty_log
dmesg | grep -E "BUG|WARNING|Oops|Call Trace"
echo end' CPU=EPYC,+svm ICOUNT=250 || fail "the host ended with $?"
[ "$(grep -c '^0 of ' "$work/out")" = 4 ] || fail "not all passed: $(cat "$work/out")"
[ "$(tail -n 1 "$work/out")" = end ] || fail "the host's log: $(tail -n 5 "$work/out")"
finish
