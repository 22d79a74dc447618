#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The stock guest on other host processors, kernels and mitigations, and with the module's parameters at their limits.
# RING1_MATRIX=all runs every entry (an hour and more), RING1_MATRIX=REGEX those whose settings match; without it, none.
. "$(dirname "$0")/lib.sh"

mitigated='HOST_APPEND=pti=on mitigations=auto'

[ -n "${RING1_MATRIX:-}" ] || skip "RING1_MATRIX is not set"

# entry VARIABLE=VALUE...
entry() {
  case $RING1_MATRIX in
  all) ;;
  *) grep -qE -- "$RING1_MATRIX" <<<"$*" || return ;;
  esac
  say "booting with $*"
  if ! TIMEOUT=${TIMEOUT:-240} guest 'uname -r' "$@"; then
    fail "$*: ended badly after $seconds s"
  elif ! grep -qE '^6\.1\.0-[0-9]+-(686-pae|686|amd64)$' "$work/out"; then
    fail "$*: the guest says it is $(head -n 1 "$work/out")"
  else
    say "$*: $seconds s"
  fi
}

# The module for the plain flavour is not always built with the rest.
plain() {
  [ -e "$RING1_BUILD/module/plain/ring1.ko" ] || { say "no module for the plain kernel, run: make module HOST_KERNEL=plain"; return; }
  entry HOST_KERNEL=plain-bzimage "$@"
}

entry CPU=qemu64 SMP=2 "$mitigated"
entry CPU=max
entry CPU=Nehalem "$mitigated"
# Some 3.8 million translations. Only a clock that counts instructions leaves the guest time between its ticks.
TIMEOUT=1500 entry MODULE_ARGS=tc_size=65536 ICOUNT=1
entry MODULE_ARGS=check_recovery=1
plain
# Without VT-x; with it, but without EPT; without unrestricted guest; with everything.
bash "$root/scripts/packages.sh" bochs
for model in p4_prescott_celeron_336 core2_penryn_t9600 corei5_lynnfield_750 corei7_sandy_bridge_2600k corei7_skylake_x; do
  TIMEOUT=900 entry EMULATOR=bochs CPU=$model
  TIMEOUT=900 entry EMULATOR=bochs CPU=$model GUEST=686
done
for model in corei5_lynnfield_750 corei7_sandy_bridge_2600k corei7_skylake_x; do
  TIMEOUT=900 entry EMULATOR=bochs CPU=$model GUEST=amd64
done
finish
