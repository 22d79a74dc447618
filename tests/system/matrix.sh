#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The stock guest on other host processors, kernels and mitigations, and with the module's parameters at their limits; the
# guest tests and the ioctls on each processor of Bochs.
# RING1_MATRIX=all runs every entry (two hours and more), RING1_MATRIX=REGEX those whose settings match; without it, none.
. "$(dirname "$0")/lib.sh"

# The host boots with its default mitigations; page-table isolation where the processor would not need it, and neither.
isolated='HOST_APPEND=pti=on'
bare='HOST_APPEND=mitigations=off nopti'

[ -n "${RING1_MATRIX:-}" ] || skip "RING1_MATRIX is not set"

wanted() { [ "$RING1_MATRIX" = all ] || grep -qE -- "$RING1_MATRIX" <<<"$*"; }

# entry VARIABLE=VALUE...
entry() {
  wanted "$@" || return
  say "booting with $*"
  if ! TIMEOUT=${TIMEOUT:-240} guest 'uname -r' "$@"; then
    fail "$*: ended badly after $seconds s"
  elif ! grep -qE '^6\.1\.0-[0-9]+-(686-pae|686|amd64)$' "$work/out"; then
    fail "$*: the guest says it is $(head -n 1 "$work/out")"
  else
    say "$*: $seconds s"
  fi
}

# guest_tests MODEL ENGINE...: on Bochs. The hostile ones mostly run until their time is over, which is long there.
guest_tests() {
  local model=$1 engine
  shift
  for engine; do
    wanted "CPU=$model guest_tests=$engine" || continue
    say "guest tests on $model, $engine"
    EMULATOR=bochs CPU=$model "$root/tests/run_guests" --engine $engine --skip hostile >"$work/out" 2>"$work/err" ||
      fail "guest tests on $model, $engine: $(grep -vE '^(PASS|XFAIL| )' "$work/out")"
  done
}

# ioctls MODEL TYPE KNOWN: KNOWN is a test that fails there.
ioctls() {
  wanted "CPU=$1 ioctls=$2" || return
  say "ioctls on $1, machine type $2"
  files=(--file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test")
  host "/root/ioctl_test --machine-type $2; true" EMULATOR=bochs CPU=$1 TIMEOUT=900 || fail "the host ended with $?"
  grep -q ' tests failed on /dev/ring1$' "$work/out" || fail "no end: $(tail -n 5 "$work/out")"
  grep '^FAIL' "$work/out" | grep -vx "FAIL $3" && fail "ioctls on $1: $(grep -B 5 '^FAIL' "$work/out")"
}

# kernel NAME VARIABLE=VALUE...: brings the kernel and builds the module for it.
kernel() {
  local flavour=${1%-bzimage}
  wanted "HOST_KERNEL=$@" || return
  bash "$root/scripts/setup.sh" "$flavour" && bash "$root/scripts/build-module.sh" "$RING1_BUILD" "$flavour" ||
    { fail "no module for the $flavour kernel"; return; }
  entry HOST_KERNEL="$@"
}

entry CPU=qemu64 SMP=2 "$isolated"
entry CPU=max
entry CPU=Nehalem
entry CPU=core2duo "$bare"
entry MODULE_ARGS=mitigations=off
# Some 3.8 million translations. Only a clock that counts instructions leaves the guest time between its ticks.
TIMEOUT=1500 entry MODULE_ARGS=tc_size=65536 ICOUNT=1
entry MODULE_ARGS=check_recovery=1
kernel plain-bzimage
for flavour in rt cloud6.12 plain6.12 rt6.12; do
  kernel $flavour SMP=2
done
# Without VT-x; with it, but without EPT; without unrestricted guest; with everything; with AMD-V.
bash "$root/scripts/packages.sh" bochs
for model in p4_prescott_celeron_336 core2_penryn_t9600 corei5_lynnfield_750 corei7_sandy_bridge_2600k corei7_skylake_x \
  zambezi; do
  TIMEOUT=900 entry EMULATOR=bochs CPU=$model
  TIMEOUT=900 entry EMULATOR=bochs CPU=$model GUEST=686
done
for model in corei5_lynnfield_750 corei7_sandy_bridge_2600k corei7_skylake_x zambezi; do
  TIMEOUT=900 entry EMULATOR=bochs CPU=$model GUEST=amd64
done
guest_tests p4_prescott_celeron_336 ring1
guest_tests core2_penryn_t9600 vmx
guest_tests corei5_lynnfield_750 vmx
guest_tests corei7_sandy_bridge_2600k vmx vmx-shadow
guest_tests corei7_skylake_x vmx
guest_tests zambezi svm svm-shadow
# docs/debugging.md: without Accessed and Dirty bits in EPT Bochs lets walks write protected tables.
ioctls corei7_sandy_bridge_2600k 0x72310102 dirty_log_has_what_walks_write
ioctls corei7_sandy_bridge_2600k 0x72310302 none
ioctls corei7_skylake_x 0x72310102 none
finish
