#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# By how much a real-time thread of the host is late at most while a hostile guest has the same processor, against a guest
# that only spins: not by more than 20 ms, counted in instructions (a nanosecond each), so that it does not depend on
# the machine underneath.
. "$(dirname "$0")/lib.sh"

guests="jumps hole random tables registers devices pagetables recursion"
more=20000  # microseconds
files=(--file "$RING1_BUILD/tests/latency:bin/latency" --file "$RING1_BUILD/guests/hostile:root/hostile")

# The thread is there before the guest: making a VM is host work like any other.
host "for guest in spin $guests; do
  ring1 run --engine bt --kernel /root/hostile --append \$guest --timeout 0.3 >/dev/null 2>&1 & run=\$!
  until ring1 ps | grep -qw \$run; do kill -0 \$run 2>/dev/null || break; usleep 1000; done
  echo late \$guest \$(latency 200)
  wait \$run
done; true" ICOUNT=1 TIMEOUT="${TIMEOUT:-400}" || fail "the host ended with $?"
sed 's/^/    /' "$work/out"
spin=$(sed -n 's/^late spin //p' "$work/out")
[ -n "$spin" ] || fail "nothing was measured beside the spinning guest"
for guest in $guests; do
  late=$(sed -n "s/^late $guest //p" "$work/out")
  [ -n "$late" ] && [ "$late" -le $((spin + more)) ] || fail "$guest: late by '$late' us, the spinning guest by '$spin'"
done
finish
