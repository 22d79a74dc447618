#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A VM whose process is stopped for a while: with --time real the guest's clocks have gone on, with --time active they
# have not. The bounds follow from how long it stood, by the host's clock: from when the last thread stands to when the first
# may go on. That is well below the 4.7 s after which the ACPI timer of 24 bits wraps, for a guest whose TSC could not be
# calibrated counts by that.
# Two guests that always compute on one processor: what the one is told of stolen time is what it waited for, and from the
# other, whose time stands meanwhile, nothing is stolen. All of them count by KVM's clock, unless it is hidden.
. "$(dirname "$0")/lib.sh"

stop=2
cat >"$work/job" <<'END'
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t sysfs sysfs /sys
dmesg -n 1
echo "clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
if grep -q busy /proc/cmdline; then
  while :; do :; done &
fi
while :; do
  echo "up $(cut -d' ' -f1 /proc/uptime) $(awk '/^cpu / { print $9 }' /proc/stat)"
  usleep 100000
done
END
chmod +x "$work/job"
PYTHONPATH=$root/harness /usr/bin/python3 - "$work/job" "$work/job.cpio" <<'END' || exit 1
import sys
from cpio import Archive
archive = Archive()
archive.copy("bin/job", sys.argv[1])
archive.write(sys.argv[2])
END

# Prints: policy, what the guest's clock says has passed, and the host's; the guest's interval lies inside the host's.
echo "stop=$stop" >"$work/drive"
cat >>"$work/drive" <<'END'
cat /guest/initrd /root/job.cpio >/tmp/initrd
host_time() { cut -d' ' -f1 /proc/uptime; }
lines() { grep -c '^up ' ${1:-/tmp/out} 2>/dev/null; }
# guest ENGINE POLICY WORDS: in the background, as $pid.
guest() {
  ring1 run --engine $1 --time $2 --kernel /guest/686/vmlinux --initrd /tmp/initrd --mem 64M --timeout 400 \
    --append "console=ttyS0 quiet panic=-1 mitigations=off rdinit=/bin/job $3" </dev/null >$out 2>/tmp/err & pid=$!
}
await() {
  while [ "$(lines)" -lt $1 ]; do
    kill -0 $pid || exit 1
    usleep 50000
  done
}
stands() { ! sed 's/.*) //' /proc/$pid/task/*/stat | grep -q '^[^T]'; }
guest_time() { tr -d '\r' </tmp/out | sed -n 's/^up //p' | cut -d' ' -f1 | sed -n "$1p"; }
for run in "$@"; do
  set -- $(echo $run | tr : ' ')
  out=/tmp/out
  : >$out
  guest $1 $2
  await 3
  begin=$(host_time)
  first=$(($(lines) + 1))
  await $first
  kill -STOP $pid
  until stands; do usleep 10000; done
  stopped=$(host_time)
  sleep $stop
  continued=$(host_time)
  kill -CONT $pid
  last=$(($(lines) + 10))
  await $last
  end=$(host_time)
  echo "$1 $2 $(guest_time $first) $(guest_time $last) $begin $end $stopped $continued"
  tr -d '\r' </tmp/out | sed -n 's/^up //p' | sort -c -n || echo "$1 $2: backwards"
  tr -d '\r' </tmp/out | grep '^clock '
  kill $pid
  wait $pid
done

# In hundredths of a second: the host's clock, the guest's, what was stolen by the guest's account, and by the module's.
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
look() {
  stolen=$(awk '$1 == "stolen_ns" { printf "%d", $2 / 10000000 }' /sys/kernel/debug/ring1/$1-*/stats)
  echo "$(host_time | tr -d .) $(tr -d '\r' </tmp/out.$2 | sed -n 's/^up //p' | tail -n 1 | tr -d .) $stolen"
}
pids=
for policy in real active; do
  out=/tmp/out.$policy
  : >$out
  guest svm $policy busy
  pids="$pids $pid"
done
set -- $pids
until [ "$(lines /tmp/out.real)" -ge 3 ] && [ "$(lines /tmp/out.active)" -ge 3 ]; do
  kill -0 $1 && kill -0 $2 || exit 1
  usleep 100000
done
real=$(look $1 real) active=$(look $2 active)
sleep 6
echo "steal real $real $(look $1 real)"
echo "steal active $active $(look $2 active)"
kill $pids
wait
ring1 run --engine svm --no-kvmclock --isa-debug-exit --timeout 60 --kernel /root/kvmclock --append engine=svm </dev/null 2>&1 | tr -d '\r' |
  grep -E 'a hidden register is read|^[0-9]+ passed'
dmesg | grep -E 'BUG|WARNING|Oops|Call Trace'
true
END

files=(--file "$work/job.cpio:root/job.cpio" --file "$work/drive:root/drive"
  --file "$RING1_BUILD/guests/kvmclock:root/kvmclock")
TIMEOUT=${TIMEOUT:-800} host 'sh /root/drive svm:real bt:active' CPU=EPYC,+svm ICOUNT=250 || fail "the host ended with $?: $(cat "$work/out")"
sed 's/^/    /' "$work/out"
[ "$(grep -cE '^(bt|svm) (real|active) [0-9. ]+$' "$work/out")" = 2 ] || fail "not two runs"
[ "$(grep -c '^clock kvm-clock$' "$work/out")" = 2 ] || fail "not two guests that count by kvm-clock"
[ "$(grep -cE '^steal (real|active)( [0-9]+){8}$' "$work/out")" = 2 ] || fail "no account of stolen time"
[ "$(grep -c '^PASS: a hidden register is read$' "$work/out")" = 5 ] && grep -q ' passed, 0 failed$' "$work/out" ||
  fail "registers of a clock that is hidden"
! grep -qvE '^(bt|svm|steal) (real|active) [0-9. ]+$|^clock|^PASS: a hidden register|passed' "$work/out" || fail "something else was said"
# The stop lies between the two readings of the guest's clock, and these between those of the host's. Each clock is read in
# hundredths of a second.
awk '{ guest = $4 - $3; host = $6 - $5; stop = $8 - $7 }
  $2 == "real" && guest < stop - 0.03 { print "real time did not go on: " $0; bad = 1 }
  $2 == "active" && guest > host - stop + 0.05 { print "active time went on: " $0; bad = 1 }
  guest <= 0 { print "time stands: " $0; bad = 1 }
  END { exit bad }' <(grep -E '^(bt|svm)' "$work/out") || fail "see above"
# Two readings of four values each. The guest says its two about every 0.1 s of its own, and had half of the time.
awk '{ host = $7 - $3; guest = $8 - $4; told = $9 - $5; waited = $10 - $6 }
  $2 == "real" && (told - waited > 0.1 * waited + 60 || waited - told > 0.1 * waited + 60) { print "told " told " of " waited; bad = 1 }
  $2 == "real" && (waited < 0.3 * host || waited > 0.7 * host) { print "waited " waited " of " host; bad = 1 }
  $2 == "active" && told { print "stolen while time stood: " told; bad = 1 }
  $2 == "active" && guest > 0.7 * host { print "time went on: " guest " of " host; bad = 1 }
  END { exit bad }' <(grep '^steal' "$work/out") || fail "see above"
say "$seconds s"
finish
