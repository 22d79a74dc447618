#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Ten guests on two emulated processors, started in random order and some of them killed, for CROWD_SECONDS, and until each
# of the ten slots has seen one come to its end. Each checks its own memory and clocks; nothing may be left of them.
. "$(dirname "$0")/lib.sh"

cat >"$work/crowd" <<END
lasting=${CROWD_SECONDS:-25}
random=${CROWD_SEED:-$RANDOM}
END
cat >>"$work/crowd" <<'END'
echo "seed $random"
# In KiB, with the pages that the processors keep for themselves, tens of MiB.
free() {
  sync
  echo 3 >/proc/sys/vm/drop_caches
  sleep 1
  awk '/^MemFree:/ { sum += $2 } $1 == "count:" { sum += 4 * $2 } END { print sum }' /proc/meminfo /proc/zoneinfo
}
uptime() { cut -d. -f1 /proc/uptime; }
# One of ten: guest after guest, until the time is up. Every fourth is killed.
undecided() { ! grep -qE "good|BAD" /tmp/result.$1 2>/dev/null; }
slot() {
  n=0
  while [ $(uptime) -lt $end ] || undecided $1; do
    random=$(((random * 1103515245 + 12345 + $1 * 7919) & 0x7fffffff))
    length=short
    [ $((random >> 8 & 3)) -ne 0 ] || length=long
    sleep 0.$((random >> 12 & 7))
    ring1 run --kernel /root/crowd --append "seed$(((random >> 16) % 9 + 1)) $length" --mem 40M --isa-debug-exit \
      </dev/null >/tmp/slot.$1 2>&1 &
    pid=$!
    if [ $((random >> 20 & 3)) -eq 0 ]; then
      sleep 0.$((random >> 4 & 7))
      kill -KILL $pid 2>/dev/null
      wait $pid
      echo killed >>/tmp/result.$1
    else
      wait $pid
      if grep -q " passed, 0 failed" /tmp/slot.$1; then echo good >>/tmp/result.$1
      else echo "BAD: guest $n of slot $1 ($length): $(tail -n 3 /tmp/slot.$1 | tr '\n' ' ')" >>/tmp/result.$1
      fi
    fi
    n=$((n + 1))
  done
}
before=$(free)
end=$(($(uptime) + lasting))
i=0 slots=
while [ $i -lt 10 ]; do
  slot $i &
  slots="$slots $!"
  i=$((i + 1))
done
wait $slots
cat /tmp/result.* | sort | uniq -c
echo "good $(cat /tmp/result.* | grep -c good)"
pidof ring1 >/dev/null && echo "BAD: processes are left"
[ "$(ring1 ps --json | tr -d ' \n')" = '{}' ] || echo "BAD: guests are left"
after=$(free)
echo "free $before -> $after KiB"
[ $after -ge $((before - 8192)) ] || echo "BAD: free memory shrank by $((before - after)) KiB"
dmesg | grep -E 'BUG|WARNING|Oops|general protection|Call Trace|stall' && echo "BAD: the host's log"
rmmod ring1 && echo unloaded
END

files=(--file "$RING1_BUILD/guests/crowd:root/crowd" --file "$work/crowd:root/go")
TIMEOUT=${TIMEOUT:-800} host 'sh /root/go' SMP=2 MEM=1G || fail "the host ended with $?"
sed 's/^/    /' "$work/out"
! grep -q 'BAD' "$work/out" || fail "see above"
grep -q '^unloaded' "$work/out" || fail "the module does not unload"
[ "$(sed -n 's/^good //p' "$work/out")" -ge 10 ] || fail "fewer than ten guests came to their end"
say "$seconds s"
finish
