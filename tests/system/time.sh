#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A VM whose process is stopped for a while: with --time real the guest's clocks have gone on, with --time active they
# have not. The bounds follow from how long it stood, by the host's clock: from when the last thread stands to when the first
# may go on. That is well below the 4.7 s after which the ACPI timer of 24 bits wraps, for a guest whose TSC could not be
# calibrated counts by that.
. "$(dirname "$0")/lib.sh"

stop=2
cat >"$work/job" <<'END'
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev 2>/dev/null
dmesg -n 1
while :; do
  echo "up $(cut -d' ' -f1 /proc/uptime)"
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
lines() { grep -c '^up ' /tmp/out 2>/dev/null; }
await() {
  while [ "$(lines)" -lt $1 ]; do
    kill -0 $pid || exit 1
    usleep 50000
  done
}
stands() { ! sed 's/.*) //' /proc/$pid/task/*/stat | grep -q '^[^T]'; }
guest_time() { tr -d '\r' </tmp/out | sed -n 's/^up //p' | sed -n "$1p"; }
for run in "$@"; do
  set -- $(echo $run | tr : ' ')
  : >/tmp/out
  ring1 run --engine $1 --time $2 --kernel /guest/686/vmlinux --initrd /tmp/initrd --mem 64M --timeout 400 \
    --append 'console=ttyS0 quiet panic=-1 mitigations=off rdinit=/bin/job' </dev/null >/tmp/out 2>/tmp/err & pid=$!
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
  kill $pid
  wait $pid
done
dmesg | grep -E 'BUG|WARNING|Oops|Call Trace'
true
END

files=(--file "$work/job.cpio:root/job.cpio" --file "$work/drive:root/drive")
TIMEOUT=${TIMEOUT:-800} host 'sh /root/drive svm:real bt:active' CPU=EPYC,+svm || fail "the host ended with $?: $(cat "$work/out")"
sed 's/^/    /' "$work/out"
[ "$(grep -cE '^(bt|svm) (real|active) [0-9. ]+$' "$work/out")" = 2 ] || fail "not two runs"
! grep -qvE '^(bt|svm) (real|active) [0-9. ]+$' "$work/out" || fail "something else was said"
# The stop lies between the two readings of the guest's clock, and these between those of the host's. Each clock is read in
# hundredths of a second.
awk '{ guest = $4 - $3; host = $6 - $5; stop = $8 - $7 }
  $2 == "real" && guest < stop - 0.03 { print "real time did not go on: " $0; bad = 1 }
  $2 == "active" && guest > host - stop + 0.05 { print "active time went on: " $0; bad = 1 }
  guest <= 0 { print "time stands: " $0; bad = 1 }
  END { exit bad }' "$work/out" || fail "see above"
say "$seconds s"
finish
