#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Fuzzing: the tool's parsers here; then on the emulated host, by each engine that QEMU offers, the device, hostile guests, and
# guests whose memory is written over while they run. MINUTES is the time of each part; FUZZ_SEED repeats a run (which of two
# threads is first is not repeated); FUZZ_PARTS: only these.
. "$(dirname "$0")/../system/lib.sh"

seconds_each=$((60 * ${MINUTES:-1}))
seed=${FUZZ_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
parts=${FUZZ_PARTS:-parsers bt svm svm-shadow guests-bt guests-svm guests-svm-shadow scribble-bt scribble-svm scribble-svm-shadow}
say "FUZZ_SEED=$seed"

. "$root/tests/fuzz/reduce.sh"

parsers() {
  say "parsers"
  "$RING1_BUILD/tests/fuzz/fuzz_parsers" --seed "$seed" --seconds "$seconds_each" >"$work/out" 2>"$work/err" || fail "a parser"
  sed 's/^/    /' "$work/out"
}

# What the host is asked behind a run and behind a trial (reduce.sh).
cat >"$work/checks" <<'END'
bad() { echo "BAD: $*"; }
waiting() { grep -l "^State:.D" /proc/[0-9]*/status; }
nothing_is_lost() {
  local leaks=/sys/kernel/debug/kmemleak
  [ -e $leaks ] || return 1  # this kernel does not know
  sleep 6; echo scan >$leaks; sleep 6; echo scan >$leaks
  cat $leaks
  ! grep -q '^unreferenced' $leaks || bad "memory is lost"
}
nobody_is_left() {
  local left
  [ -z "$(waiting)" ] || { sleep 2; [ -z "$(waiting)" ] || bad "a process waits: $(cat $(waiting))"; }
  left=$(ring1 ps --json 2>&1 | tr -d ' \n')
  [ "$left" = '{}' ] || bad "machines are left: $left"
}
unloads_without_a_word() {
  rmmod ring1 || bad "the module does not unload"
  dmesg | grep -v 'Speculative Return Stack' | grep -E 'BUG:|WARNING|Oops|Call Trace|hung|panic|KASAN|UBSAN' &&
    { bad "the host's log"; dmesg | grep -v 'cannot be had' | tail -n 100; }
}
END

cat >"$work/drive" <<END
seconds=$seconds_each
seed=$seed
END
cat >>"$work/drive" <<'END'
type=$1 kind=$2
. /root/checks
# In KiB, with the pages that the processor keeps for itself.
free() {
  sync
  echo 3 >/proc/sys/vm/drop_caches
  sleep 1
  awk '/^MemFree:/ { sum += $2 } $1 == "count:" { sum += 4 * $2 } END { print sum }' /proc/meminfo /proc/zoneinfo
}
tables() { timeout 120 ring1 run --kernel /root/tables --mem 32M --isa-debug-exit </dev/null 2>&1 | grep -q "^PASS" || bad "a guest $1"; }
tables before
# What a kernel fills its caches with is no leak.
fuzz --kind $kind --seed 0 --seconds 6 --machine-type $type >/dev/null || bad "the first generations"
before=$(free)
fuzz --kind $kind --seed $seed --seconds $seconds --machine-type $type || bad "see above"
# The checking kernel keeps back what was freed, tens of MiB of it; but it knows what is lost.
nothing_is_lost || {
  after=$(free)
  echo "free $before -> $after KiB"
  [ $after -ge $((before - 6144)) ] || bad "$((before - after)) KiB have gone"
}
nobody_is_left
tables behind
unloads_without_a_word
echo end
END

files=(--file "$RING1_BUILD/guests/tables:root/tables" --file "$RING1_BUILD/tests/fuzz/fuzz:bin/fuzz" --file "$work/drive:root/drive"
  --file "$work/checks:root/checks" --file "$work/trial:root/trial")
# host_part KIND MACHINE-TYPE [VARIABLE=VALUE...]: the type as in include/ring1/api.h
host_part() {
  local kind=$1 type=$2 failed=$failures generation
  shift 2
  say "$kind, machine type $type $*"
  host "sh /root/drive $type $kind" SMP=2 TIMEOUT=$((2 * seconds_each + 300)) "$@" || fail "the host ended with $?"
  grep -v '^generation' "$work/out" | sed 's/^/    /'
  generation=$(awk '$1 == "generation" { last = $2 } END { print last }' "$work/out")
  say "generation $generation, $seconds s"
  grep -q '^BAD' "$work/out" && fail "see above"
  grep -q '^end$' "$work/out" || fail "the host did not get to the end"
  [ "$failures" = "$failed" ] || [ -z "$generation" ] || [ "${FUZZ_REDUCE:-1}" = 0 ] || reduce "$kind" "$type" "$generation" "$@"
}

for part in $parts; do
  kind=device checks=
  case $part in guests-* | scribble-*) kind=${part%%-*} ;; esac
  [ $kind != guests ] || checks='check_recovery=1 check_mmu=16'
  # With a thread for each processor interrupts and states of guests are lost at VMRUN, probably by QEMU (docs/findings.md); the ioctls' own races
  # need two of them all the same. So slow a processor makes its minutes ours, about.
  [ $kind = device ] && time=(ICOUNT=0) || time=(SMP=1 ICOUNT=31)
  case ${part#$kind-} in
    parsers) parsers ;;
    bt) host_part $kind 0x72310100 CPU=core2duo MODULE_ARGS="$checks" ;;
    svm) host_part $kind 0x72310101 CPU=EPYC,+svm "${time[@]}" ;;
    svm-shadow) host_part $kind 0x72310301 CPU=EPYC,+svm "${time[@]}" MODULE_ARGS="$checks" ;;
    *) fail "there is no part $part" ;;
  esac
done
[ "$failures" = 0 ] || say "again: make fuzz MINUTES=${MINUTES:-1} FUZZ_SEED=$seed"
finish
