#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The stock guest on other host processors, kernels and mitigations, and with the module's parameters at their limits.
# RING1_MATRIX=all runs every entry, RING1_MATRIX=REGEX those whose settings match; otherwise the telling few.
. "$(dirname "$0")/lib.sh"

mitigated='HOST_APPEND=pti=on mitigations=auto'

# entry often|seldom VARIABLE=VALUE...
entry() {
  local when=$1
  shift
  case ${RING1_MATRIX:-} in
  all) ;;
  '') [ "$when" = often ] || return ;;
  *) grep -qE -- "$RING1_MATRIX" <<<"$*" || return ;;
  esac
  say "booting with $*"
  if ! TIMEOUT=${TIMEOUT:-240} guest 'uname -r' "$@"; then
    fail "$*: ended badly after $seconds s"
  elif ! grep -qE '^6\.1\.0-[0-9]+-686-pae$' "$work/out"; then
    fail "$*: the guest says it is $(head -n 1 "$work/out")"
  else
    say "$*: $seconds s"
  fi
}

# The module for the plain flavour is not always built with the rest.
plain() {
  [ -e "$RING1_BUILD/module/plain/ring1.ko" ] || { say "no module for the plain kernel, run: make module HOST_KERNEL=plain"; return; }
  entry "$1" HOST_KERNEL=plain-bzimage "${@:2}"
}

entry often CPU=qemu64 SMP=2 "$mitigated"
entry seldom CPU=max
entry seldom CPU=Nehalem "$mitigated"
entry often MODULE_ARGS=tc_size=65536
entry seldom MODULE_ARGS=check_recovery=1
plain often
finish
