#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What three guests get done that share a processor: one computes, one serves short requests, one computes and waits in
# turn (guests/bench/load.cpp). For each policy the pieces of work of each beside what it does alone, and the server's
# mean wait for the processor after a wake-up. Time is the emulator's count of instructions.
# THROUGHPUT_CSV=FILE takes the table; without it, it is printed.
. "$(dirname "$0")/../system/lib.sh"

cat >"$work/drive" <<'END'
bad() { echo "BAD: $*"; }
debugfs=/sys/kernel/debug/ring1
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
counter() { awk -v name=$2 '$1 == name { print $2 }' $(echo $debugfs/$1-*)/stats; }
# start KIND OPTIONS
start() {
  kind=$1
  shift
  ring1 run --kernel /root/load --append "$kind tell" --mem 16M "$@" </dev/null >/tmp/out.$kind 2>&1 &
  eval "pid_$kind=$!"
}
dots() { tr -dc . </tmp/out.$1 | wc -c; }
now() { cut -d' ' -f1 /proc/uptime; }
# measure CASE KIND...: lines "work CASE KIND PIECES-A-SECOND WAIT-IN-US"
measure() {
  name=$1
  shift
  sleep 1
  for kind; do
    eval "pid=\$pid_$kind"
    echo $kind $(dots $kind) $(counter $pid sched_wait_ns) $(counter $pid sched_dispatches) $(now)
  done >/tmp/before
  sleep 3
  for kind; do
    eval "pid=\$pid_$kind"
    echo $kind $(dots $kind) $(counter $pid sched_wait_ns) $(counter $pid sched_dispatches) $(now)
    kill $pid
  done >/tmp/after
  wait
  awk -v name=$name 'NR == FNR { dots[$1] = $2; wait[$1] = $3; turns[$1] = $4; at[$1] = $5; next }
    { turn = $4 - turns[$1]
      printf "work %s %s %.2f %.1f\n", name, $1, ($2 - dots[$1]) / ($5 - at[$1]), turn ? ($3 - wait[$1]) / turn / 1000 : 0 }
  ' /tmp/before /tmp/after
}
policy() {
  rmmod ring1
  insmod /harness/ring1.ko sched=$1 || bad "sched=$1"
}
# together CASE OPTIONS-FOR-ALL [OPTIONS-FOR-IO]
together() {
  start busy $2
  start io $2 $3
  start mixed $2
  measure $1 busy io mixed
}
policy rr
for kind in busy io mixed; do
  start $kind
  measure alone $kind
done
together rr ''
policy credit
together credit ''
together credit,cap=33 '--sched-cap 33'
policy bvt
together bvt ''
together bvt,warp '' '--sched-warp 20'
policy sedf
together sedf,period=10ms '--sched-slice 3 --sched-period 10'
together sedf,period=30ms '--sched-slice 9 --sched-period 30'
together sedf,period=100ms '--sched-slice 30 --sched-period 100'
together sedf,period=10ms,no-extratime '--sched-slice 3 --sched-period 10 --sched-extratime 0'
dmesg | grep -E 'BUG|WARNING|Oops|Call Trace'
echo end
END

files=(--file "$RING1_BUILD/guests/load:root/load" --file "$work/drive:root/drive")
TIMEOUT=${TIMEOUT:-3000} host 'sh /root/drive' ICOUNT=1 || fail "the host ended with $?"
grep -q '^end$' "$work/out" || fail "the host did not get to the end"
! grep -vE '^(work |end$)' "$work/out" || fail "something else was said"
! grep -E '^work \S+ \S+ 0\.00 ' "$work/out" || fail "a guest that got nothing done"
table=$(awk 'BEGIN { print "policy,kind,throughput_percent_of_alone,latency_mean_us" }
  $1 == "work" && $2 == "alone" { alone[$3] = $4 }
  $1 == "work" && $2 != "alone" { policy = $2; gsub(",", " ", policy); printf "%s,%s,%.1f,%s\n", policy, $3, 100 * $4 / alone[$3], $5 }
' "$work/out")
if [ -n "${THROUGHPUT_CSV-}" ]; then echo "$table" >"$THROUGHPUT_CSV"; else echo "$table"; fi
finish
