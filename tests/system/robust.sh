#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In one boot of the host: the module inserted and removed with guests in between, `ring1 run` killed at any moment,
# two guests at once. Afterwards nothing may be left: no process, no guest, no memory, no complaint in the log.
# ROBUST_INSERTS and ROBUST_KILLS say how often.
. "$(dirname "$0")/lib.sh"

inserts=${ROBUST_INSERTS:-10}
kills=${ROBUST_KILLS:-10}

cat >"$work/robust" <<END
inserts=$inserts
kills=$kills
END
cat >>"$work/robust" <<'END'
bad() { echo "BAD: $*"; }
# In KiB: free, with the pages that the processor keeps for itself (tens of MiB), and slab.
free() {
  sync
  echo 3 >/proc/sys/vm/drop_caches
  sleep 1
  awk '/^MemFree:/ { sum += $2 } /^Slab:/ { slab = $2 } $1 == "count:" { sum += 4 * $2 } END { print sum, slab }' \
    /proc/meminfo /proc/zoneinfo
}
short() { timeout 60 ring1 run --kernel /root/tables --mem 32M --isa-debug-exit </dev/null >/tmp/out.$1 2>&1; }
linux() {
  exec ring1 run --kernel /guest/686-pae/vmlinux --initrd /guest/initrd --mem 64M \
    --append 'console=ttyS0 quiet panic=-1 mitigations=off' </dev/null >/tmp/linux.out 2>&1
}
passed() { grep -q '^PASS' /tmp/out.$1 && ! grep -q '^FAIL' /tmp/out.$1; }
# The first guest's caches are no leak.
short 0
passed 0 || { bad "the first guest: $(tail -n 2 /tmp/out.0)"; exit 1; }
set -- $(free)
free_before=$1 slab_before=$2

i=0
while [ $i -lt $inserts ]; do
  rmmod ring1 || bad "rmmod $i"
  insmod /harness/ring1.ko || bad "insmod $i"
  short 1
  passed 1 || bad "the guest after insmod $i: $(tail -n 2 /tmp/out.1)"
  i=$((i + 1))
done
echo "inserted $i times, $(cut -d' ' -f1 /proc/uptime)"

i=0
while [ $i -lt $kills ]; do
  linux &
  pid=$!
  moment=$(awk -v seed="$(od -An -N3 -tu4 /dev/urandom)" 'BEGIN { srand(seed); printf "%.2f", 0.05 + rand() * (rand() < 0.3 ? 1 : 12) }')
  sleep $moment
  { ! grep -q "^State:.Z" /proc/$pid/status && kill -KILL $pid; } || bad "the guest of kill $i had ended by itself within $moment s: $(tail -n 2 /tmp/linux.out)"
  wait $pid
  echo "kill $i after $moment s"
  i=$((i + 1))
done
echo "killed $i times, $(cut -d' ' -f1 /proc/uptime)"

short 1 &
first=$!
short 2 &
wait $first
wait $!
passed 1 && passed 2 || bad "two guests at once: $(tail -n 2 /tmp/out.1) $(tail -n 2 /tmp/out.2)"

pidof ring1 >/dev/null && bad "processes are left: $(ps | grep '[r]ing1 run')"
left=$(ring1 ps --json 2>&1 | tr -d ' \n')
[ "$left" = '{}' ] || bad "guests are left: $left"
[ "$(awk '$1 == "ring1" { print $3 }' /proc/modules)" = 0 ] || bad "in use: $(grep ^ring1 /proc/modules)"
set -- $(free)
echo "free $free_before -> $1 KiB, slab $slab_before -> $2 KiB"
# What a kernel keeps for itself does not grow with the number of guests; one guest's memory would be more than this.
[ $1 -ge $((free_before - 6144)) ] || bad "free memory shrank by $((free_before - $1)) KiB"
[ $2 -le $((slab_before + 3072)) ] || bad "slab grew by $(($2 - slab_before)) KiB"
rmmod ring1 || bad "the module does not unload"
grep -q ^ring1 /proc/modules && bad "the module is still there"
[ ! -e /dev/ring1 ] || bad "the device is still there"
if dmesg | grep -qE 'BUG|WARNING|Oops|general protection|unable to handle|Call Trace'; then
  bad "the host's log"
  dmesg | tail -n 80
fi
echo "end, $(cut -d' ' -f1 /proc/uptime)"
END

files=(--file "$RING1_BUILD/guests/tables:root/tables" --file "$work/robust:root/robust")
say "$inserts inserts, $kills kills"
TIMEOUT=${TIMEOUT:-800} host 'sh /root/robust' || fail "the host ended with $?"
sed 's/^/    /' "$work/out"
! grep -q '^BAD' "$work/out" || fail "see above"
grep -q '^end' "$work/out" || fail "the host did not get to the end"
say "$seconds s"
finish
