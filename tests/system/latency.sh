#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# By how much a real-time thread of the host is late at most while a hostile guest has the same processor, against a guest
# that only spins: not by more than 20 ms, counted in instructions (a nanosecond each), so that it does not depend on
# the machine underneath. And how long after its time-out, or after SIGKILL, the guest is still there: at most two seconds.
. "$(dirname "$0")/lib.sh"

more=20000 longest=200  # microseconds; hundredths of a second
files=(--file "$RING1_BUILD/tests/latency:bin/latency" --file "$RING1_BUILD/guests/hostile:root/hostile")

# measure ENGINE CPU GUEST...: the thread is there before the guest: making a VM is host work like any other.
measure() {
  local engine=$1 cpu=$2 guest spin late end took
  shift 2
  say "$engine"
  host "now() { awk '{ print int(\$1 * 100) }' /proc/uptime; }
for guest in spin $*; do
  began=\$(now)
  ring1 run --engine $engine --kernel /root/hostile --append \$guest --timeout 0.3 >/dev/null 2>&1 & run=\$!
  until ring1 ps | grep -qw \$run; do kill -0 \$run 2>/dev/null || break; usleep 1000; done
  echo late \$guest \$(latency 200)
  wait \$run
  echo ended \$guest \$((\$(now) - began - 30))
  ring1 run --engine $engine --kernel /root/hostile --append \$guest >/dev/null 2>&1 & run=\$!
  sleep 0.3
  began=\$(now)
  kill -9 \$run
  wait \$run
  echo killed \$guest \$((\$(now) - began))
done; true" ICOUNT=1 CPU="$cpu" TIMEOUT="${TIMEOUT:-400}" || fail "the host ended with $?"
  sed 's/^/    /' "$work/out"
  spin=$(sed -n 's/^late spin //p' "$work/out")
  [ -n "$spin" ] || fail "nothing was measured beside the spinning guest"
  for guest; do
    late=$(sed -n "s/^late $guest //p" "$work/out")
    for end in ended killed; do
      took=$(sed -n "s/^$end $guest //p" "$work/out")
      [ "${took:-1000}" -le $longest ] || fail "$guest: $end after '$took' hundredths of a second"
    done
    [ -n "$late" ] && [ "$late" -le $((spin + more)) ] || fail "$guest: late by '$late' us, the spinning guest by '$spin'"
  done
}

measure bt core2duo jumps hole random tables registers devices pagetables recursion poll
measure svm EPYC,+svm devices poll
finish
