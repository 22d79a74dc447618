#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The stock guests, from the extracted kernel and from Debian's own bzImage, a multiboot kernel through KERNEL=, and QEMU
# instead of our tool.
. "$(dirname "$0")/lib.sh"

# One line is said on any machine, bare ones included: "...use pci=nocrs and report a bug".
command='uname -rm; cat /proc/interrupts; dmesg | grep -i -e BUG -e WARNING | grep -vc "and report a bug"'

# What the monitor has of the host's memory, cache and tables included; the bound is 24 MiB and 1 % of the guest's.
monitor_kib() {
  local pages
  pages=$(grep -o '"pages_granted": [0-9]*' "$work/stats" | head -n 1 | grep -o '[0-9]*$')
  echo $((${pages:-1000000} * 4))
}

# boot GUEST RELEASE-PATTERN
boot() {
  say "booting $1"
  if ! TIMEOUT=${TIMEOUT:-240} guest "$command; true" GUEST="$1" STATS="$work/stats" MEM=128M; then
    fail "$1 did not end well"
  elif ! head -n 1 "$work/out" | grep -qE "$2"; then
    fail "$1 says it is $(head -n 1 "$work/out")"
  elif [ "$(tail -n 1 "$work/out")" != 0 ]; then
    fail "$1 has $(tail -n 1 "$work/out") complaints in its log"
  elif ! grep -q 'timer' "$work/out"; then
    fail "$1 has no timer in /proc/interrupts"
  elif [ "$(monitor_kib)" -gt $((24 * 1024 + 128 * 1024 / 100)) ]; then
    fail "$1: the monitor took $(monitor_kib) KiB"
  else
    say "$1: $(head -n 1 "$work/out"), $seconds s, monitor $(monitor_kib) KiB"
  fi
}

boot 686-pae '^6\.1\.0-[0-9]+-686-pae i686$'
boot 686 '^6\.1\.0-[0-9]+-686 i686$'
boot "${BZIMAGE:-686-pae}-bzimage" '^6\.1\.0-[0-9]+-686(-pae)? i686$'

say "booting a multiboot kernel"
KERNEL=$RING1_BUILD/guests/tables TIMEOUT=60 RING1_ARGS=--isa-debug-exit /usr/bin/python3 "$root/harness/run.py" \
  >"$work/out" 2>"$work/err" </dev/null
status=$?
if grep -q '^FAIL' "$work/out" || ! grep -q '^PASS' "$work/out"; then
  fail "the multiboot kernel ended with $status and said: $(tail -n 3 "$work/out")"
else
  say "the multiboot kernel: $(tail -n 1 "$work/out")"
fi

say "booting with QEMU as the VMM"
if ! TIMEOUT=${TIMEOUT:-240} guest 'uname -r; cat /sys/devices/system/clocksource/clocksource0/current_clocksource' NESTED=qemu-ring1; then
  fail "QEMU's guest did not end well"
elif [ "$(tail -n 1 "$work/out")" != kvm-clock ]; then
  fail "QEMU's guest says $(tr '\n' ' ' <"$work/out")"
else
  say "QEMU's guest: $(head -n 1 "$work/out"), $seconds s"
fi
finish
