#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tests that compare emulator and translator with a processor, on the emulated host: its kernel has 32-bit and
# 16-bit user segments, wherever this runs. What QEMU's processor gets wrong stands in tests/unit/emulator_core_qemu.cpp.
# And the same programs where no such segments are to be had: they say so, once each, and end.
#
# The plain kernel, for 16-bit segments. Two processors: with one, Linux makes its LOCK prefixes DS prefixes, and QEMU
# adds the base of the DS that a 16-bit program left (docs/findings.md).
. "$(dirname "$0")/lib.sh"

programs=(emulator_core_test emulator_long_test translator_test)
tests='Differential.*:LongDifferential.*:TranslatorRun.*'
compared=6

for program in "${programs[@]}"; do
  set -- RING1_NO_USER_SEGMENTS=1 "$RING1_BUILD/tests/$program" --gtest_filter="$tests"
  env -u RING1_ORACLE_DIR "$@" >"$work/out" 2>"$work/err" || fail "$program fails where there are no segments"
  case $program in emulator_long_test) missing=0 ;; *) missing=1 ;; esac
  [ "$(grep -c '^no .* segments here' "$work/err")" = $missing ] || fail "$program does not say once what is missing"
done

files=()
for program in "${programs[@]}"; do files+=(--program "$RING1_BUILD/tests/$program"); done
job='export RING1_ORACLE=qemu; status=0
for program in '"${programs[*]}"'; do $program --gtest_filter="'$tests'" || status=1; done; exit $status'
env CPU="${CPU:-Nehalem}" SMP=2 HOST_KERNEL=plain TIMEOUT=600 CMD="$job" /usr/bin/python3 "$root/harness/host.py" "${files[@]}" \
  >"$work/out" 2>"$work/err" || { tail -n 60 "$work/out"; fail "the comparisons on the emulated host"; }
grep '^oracle: ' "$work/out" | tee "$work/oracle"
[ "$(grep -c . "$work/oracle")" = $compared ] || fail "not all comparisons were made"
[ -z "$RING1_ORACLE_DIR" ] || cp "$work/oracle" "$RING1_ORACLE_DIR/emulated host"
finish
