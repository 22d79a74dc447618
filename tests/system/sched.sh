#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Three guests that always compute on one processor, under each policy: what they get is what they ask for, as counted
# by the scheduler: the time run as a part of what all ran; with caps and claims as a part of the time run and waited,
# which is the clock of a guest that always wants to run. Time is the emulator's count of instructions, so a busy machine
# changes nothing.
# SCHED_CSV=FILE also leaves the shares there, for `make sched-study`.
. "$(dirname "$0")/lib.sh"

cat >"$work/sched" <<'END'
bad() { echo "BAD: $*"; }
debugfs=/sys/kernel/debug/ring1
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
counter() { awk -v name=$2 '$1 == name { print $2 }' $(echo $debugfs/$1-*)/stats; }
counters() { for pid in $pids; do echo $pid $(counter $pid sched_run_ns) $(counter $pid sched_wait_ns); done; }
# start OPTIONS-OF-EACH...
start() {
  pids=
  for options; do
    ring1 run --kernel /root/load --append busy --mem 16M $options </dev/null >/tmp/out.$# 2>&1 &
    pids="$pids $!"
  done
  for pid in $pids; do
    while [ ! -e $(echo $debugfs/$pid-*) ] || [ "$(counter $pid guest_entries)" -lt 50 ]; do
      kill -0 $pid 2>/dev/null || { bad "a guest ended: $(cat /tmp/out.$#)"; break; }
      sleep 0.1
    done
  done
}
stop() { kill $pids; wait; }
# measure CASE SECONDS [clock]: lines "share CASE GUEST PERCENT", the guests in the order of their start.
measure() {
  counters >/tmp/before
  sleep $2
  counters >/tmp/after
  awk -v name=$1 -v clock=$3 'NR == FNR { run[$1] = $2; wait[$1] = $3; next }
    { ran[FNR] = $2 - run[$1]; waited[FNR] = $3 - wait[$1]; all += ran[FNR]; guests = FNR }
    END { for (i = 1; i <= guests; i++)
      printf "share %s %d %.1f\n", name, i, 100 * ran[i] / (clock ? ran[i] + waited[i] : all) }
  ' /tmp/before /tmp/after
}
ask() { pid=$(echo $pids | cut -d' ' -f$1); shift; ring1 sched $pid "$@" || bad "ring1 sched $*"; }

rmmod ring1
for policy in credit bvt sedf rr; do
  insmod /harness/ring1.ko sched=$policy || bad "sched=$policy"
  start '--sched-weight 100' '--sched-weight 200' '--sched-weight 400'
  measure $policy-weights 2
  case $policy in
  credit)
    for i in 1 2 3; do ask $i --cap ${i}0; done
    measure credit-caps 1.5 clock
    ;;
  bvt)
    ask 1 --weight 600
    measure bvt-changed 1
    ;;
  sedf)
    for i in 1 2 3; do ask $i --slice ${i} --period 10 --extratime 0; done
    measure sedf-claims 1 clock
    ring1 sched $pid --slice 9 2>/tmp/refused && bad "three slices that do not fit"
    grep -q 'would not fit' /tmp/refused || bad "refused: $(cat /tmp/refused)"
    ring1 sched $pid --slice 1 --period 0.001 2>/tmp/refused && bad "a period of 1 us"
    grep -q 'no such parameters' /tmp/refused || bad "refused: $(cat /tmp/refused)"
    ;;
  esac
  ring1 ps | grep -q " $policy: " || bad "ring1 ps: $(ring1 ps)"
  [ "$(ring1 top --interval 0.3 --count 1 | grep -cE ' (runs|waits|idle) +[0-9.]+% +[0-9.]+%')" = 3 ] || bad "ring1 top: $(ring1 top --count 1)"
  stop
  rmmod ring1 || bad "the module does not unload after $policy"
done

insmod /harness/ring1.ko sched=none || bad "sched=none"
start '' ''
[ "$(ring1 sched | wc -l)" = 3 ] || bad "ring1 sched: $(ring1 sched)"
[ "$(counter ${pids##* } sched_dispatches)" = 0 ] || bad "turns without a scheduler"
stop
insmod /harness/ring1.ko sched=lottery 2>/dev/null && bad "a policy that does not exist"
if dmesg | grep -qE 'BUG|WARNING|Oops|general protection|unable to handle|Call Trace|soft lockup'; then
  bad "the host's log"
  dmesg | tail -n 60
fi
echo "end, $(cut -d' ' -f1 /proc/uptime)"
END

files=(--file "$RING1_BUILD/guests/load:root/load" --file "$work/sched:root/sched")
TIMEOUT=${TIMEOUT:-400} host 'sh /root/sched' ICOUNT=125 || fail "the host ended with $?"
sed 's/^/    /' "$work/out"
! grep -q '^BAD' "$work/out" || fail "see above"
grep -q '^end' "$work/out" || fail "the host did not get to the end"

[ -z "${SCHED_CSV-}" ] || echo policy,guest,asked_percent,got_percent >"$SCHED_CSV"
# expect CASE PERCENT... BAND: each guest's share, within so many percent of the processor.
expect() {
  local name=$1 band=${*: -1} guest=0 asked got
  shift
  while [ $# -gt 1 ]; do
    asked=$1 guest=$((guest + 1))
    shift
    got=$(awk -v name="$name" -v guest=$guest '$1 == "share" && $2 == name && $3 == guest { print $4 }' "$work/out")
    [ -n "$got" ] && awk -v a="$asked" -v g="$got" -v b="$band" 'BEGIN { exit !(g >= a - b && g <= a + b) }' ||
      fail "$name: guest $guest got ${got:-nothing} %, not $asked"
    [ -z "${SCHED_CSV-}" ] || echo "$name,$guest,$asked,$got" >>"$SCHED_CSV"
  done
}
expect credit-weights 14.3 28.6 57.1 7
expect credit-caps 10 20 30 3
expect bvt-weights 14.3 28.6 57.1 4
expect bvt-changed 50 16.7 33.3 4
expect sedf-weights 14.3 28.6 57.1 4
expect sedf-claims 10 20 30 3
expect rr-weights 33.3 33.3 33.3 4
say "$seconds s"

# Two processors, more guests than those, and everything that can happen to them at any moment.
cat >"$work/crowd" <<'END'
bad() { echo "BAD: $*"; }
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
rmmod ring1
for policy in credit sedf; do
  insmod /harness/ring1.ko sched=$policy || bad "sched=$policy"
  pids=
  for kind in busy mixed io busy; do
    ring1 run --kernel /root/load --append $kind --mem 16M </dev/null >/tmp/out.$kind 2>&1 &
    pids="$pids $!"
  done
  sleep 1
  i=1
  for pid in $pids; do
    kill -0 $pid || bad "a guest ended: $(tail -n 2 /tmp/out.*)"
    ring1 sched $pid --weight ${i}00 || bad "ring1 sched"
    i=$((i + 1))
  done
  set -- $pids
  taskset -p 1 $4 >/dev/null
  kill -STOP $1
  sleep 0.3
  kill -CONT $1
  for moment in 0.1 0.4 0.6; do
    ring1 run --kernel /root/load --append busy --mem 16M </dev/null >/dev/null 2>&1 &
    sleep $moment
    kill -KILL $!
  done
  ring1 top --interval 2 --count 1
  kill -KILL $1
  kill $2 $3 $4
  wait
  rmmod ring1 || bad "the module does not unload after $policy"
done
if dmesg | grep -qE 'BUG|WARNING|Oops|general protection|unable to handle|Call Trace|lockup|stall'; then
  bad "the host's log"
  dmesg | tail -n 60
fi
echo "end, $(cut -d' ' -f1 /proc/uptime)"
END
files=(--file "$RING1_BUILD/guests/load:root/load" --file "$work/crowd:root/crowd")
TIMEOUT=400 host 'sh /root/crowd' SMP=2 || fail "the host with two processors ended with $?"
sed 's/^/    /' "$work/out"
! grep -q '^BAD' "$work/out" || fail "see above"
grep -q '^end' "$work/out" || fail "the host did not get to the end"
# Nobody who always wants to run is left out: each busy guest has at least a tenth of a processor.
awk '$4 ~ /%$/ && $5 + 0 >= 10 { fed++ } END { exit !(fed >= 4) }' "$work/out" || fail "a guest starves"
say "$seconds s"
finish
