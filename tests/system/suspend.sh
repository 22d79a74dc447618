#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The host goes to sleep while guests run on svm and on bt, and they go on when it is back.
# QEMU does not come back from S3, module or not: so the kernel stops right before it (pm_test=core), where it is down to
# its last callbacks.
# A sleep of 1000 s in which the TSC does not count, as after a hibernation, is tried on the interface: the clocks count it.
. "$(dirname "$0")/lib.sh"

# The guest's life: numbered steps that use the processor, processes, timers and floating point.
cat >"$work/job" <<'END'
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
dmesg -n 1
n=0
while [ $n -lt 100000 ]; do
  n=$((n + 1))
  echo "step $n $(seq $n $((n + 500)) | sha256sum | cut -c1-8) $(awk "BEGIN { printf \"%.6f\", $n / 7 }")"
  usleep 50000
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

cat >"$work/drive" <<'END'
cat /guest/initrd /root/job.cpio >/tmp/initrd
start() {
  exec ring1 run --engine $1 --kernel /guest/686/vmlinux --initrd /tmp/initrd --mem 96M \
    --append 'console=ttyS0 quiet panic=-1 mitigations=off rdinit=/bin/job' </dev/null >/tmp/$1 2>&1
}
steps() { tr -d '\r' </tmp/$1 | grep -c '^step'; }
# reaches ENGINE STEPS
reaches() {
  n=0
  until [ $(steps $1) -ge $2 ]; do
    n=$((n + 1))
    [ $n -lt 1200 ] || { echo "$1 stands at step $(steps $1): $(tail -n 5 /tmp/$1)"; return 1; }
    usleep 100000
  done
}
# What the steps must say is computed once more here.
right() {
  tr -d '\r' </tmp/$1 | grep '^step' | while read -r _ n sum root; do
    [ "$sum $root" = "$(seq $n $((n + 500)) | sha256sum | cut -c1-8) $(awk "BEGIN { printf \"%.6f\", $n / 7 }")" ] || echo "$1: step $n is wrong"
  done
}
dmesg -c >/dev/null
for engine in svm bt; do start $engine & done
for engine in svm bt; do reaches $engine 2 || exit 1; done
echo core >/sys/power/pm_test
echo mem >/sys/power/state || echo "no sleep: $?"
for engine in svm bt; do reaches $engine $(($(steps $engine) + 4)) && echo "$engine goes on"; done
for engine in svm bt; do right $engine; done
dmesg | grep -o 'PM: suspend exit'
dmesg | grep -E 'BUG|WARNING|Oops|Call Trace'
true
END
files=(--file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test" --file "$work/job.cpio:root/job.cpio" --file "$work/drive:root/drive")
export CPU=EPYC,+svm GUEST=686
say "a sleep in which the TSC does not count, and the interface"
host 'RING1_SLEEP_TEST=1 /root/ioctl_test sleep_without_tsc' CPU=core2duo HOST_KERNEL=plain \
  HOST_APPEND='no_console_suspend suspend.pm_test_delay=1' || fail "the host ended with $?: $(cat "$work/out")"
grep -q '^PASS sleep_without_tsc' "$work/out" || fail "no clock that goes on: $(cat "$work/out")"

say "a sleep"
host 'sh /root/drive' ICOUNT=250 HOST_KERNEL=plain HOST_APPEND='no_console_suspend suspend.pm_test_delay=1' || fail "the host ended with $?"
cat >"$work/expected" <<'END'
svm goes on
bt goes on
PM: suspend exit
END
diff "$work/expected" "$work/out" || fail "the guests or the host have been harmed"
finish
