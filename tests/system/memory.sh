#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Guest memory that user space takes away, on every engine that the emulated host has, with two processors: what is
# raced against must be able to run.
. "$(dirname "$0")/lib.sh"

files=(--file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test")

# memory TYPE [VARIABLE=VALUE...]: TYPE as in include/ring1/api.h
memory() {
  local type=$1
  shift
  say "machine type $type $*"
  host "echo always >/sys/kernel/mm/transparent_hugepage/enabled
/root/ioctl_test --machine-type $type memory; echo memory \$?
dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|panicked'; rmmod ring1 && echo unloaded" SMP=2 "$@" || fail "the host ended with $?"
  grep -q '^memory 0$' "$work/out" || fail "$(grep -B 3 FAIL "$work/out")"
  grep -E 'BUG|WARNING|Oops|Call Trace|panicked' "$work/out" && fail "complaints in the host's log"
  grep -q '^unloaded$' "$work/out" || fail "the module does not unload"
}
memory 0x72310100
memory 0x72310101 CPU=EPYC,+svm ICOUNT=0
memory 0x72310101 CPU=EPYC,+svm,-npt ICOUNT=0
finish
