#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A running Debian guest goes from engine to engine in the middle of its work: it must print exactly what it prints where
# nothing disturbs it. Each time it is saved, the file is compared with the guest's memory, so a page that the dirty log
# misses is found as well.
#   ENGINES='bt svm bt'  the way it goes; the first and the last may be the same
#   FLAVOUR=686          the guest
#   CPU, EMULATOR, HOST_KERNEL as for `make run`
. "$(dirname "$0")/lib.sh"

engines=${ENGINES:-bt svm bt}
flavour=${FLAVOUR:-686}

# The guest's whole life: numbered steps that use the processor, memory, processes, timers, files and floating point.
cat >"$work/job" <<'END'
#!/bin/sh
export PATH=/bin HOME=/root
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /tmp
mount -t tmpfs tmpfs /tmp
dmesg -n 1
cd /tmp
stty -F /dev/ttyS0 -opost 2>/dev/null
# Lives all the time, wakes up often, and must not lose count of what it writes.
( i=0; while [ $i -lt 1000000 ]; do i=$((i + 1)); echo $i >>ticks; usleep 40000; done ) &
ticker=$!
n=0
while [ $n -lt STEPS ]; do
  n=$((n + 1))
  sum=$(seq $n $((n + 3000)) | sha256sum | cut -c1-16)
  forks=0
  for i in 1 2 3 4; do sh -c "exit $i" || forks=$((forks + $?)); done
  before=$(cut -d. -f1 /proc/uptime)
  usleep 30000
  [ $(cut -d. -f1 /proc/uptime) -ge $before ] && time=on || time=back
  float=$(awk "BEGIN { x = 0; for (i = 1; i < 500; i++) x += $n / (i * i + $n); printf \"%.9f\", x }")
  seq 1 1000 >file.$n
  packed=$(gzip -c file.$n | gunzip -c | cmp - file.$n && echo same)
  echo "step $n $sum $forks $time $float $packed"
done
kill $ticker
wait 2>/dev/null
awk 'NR != $1 { bad = 1 } END { print "ticks " (bad ? "wrong" : "right") }' ticks
cat file.* | sha256sum
dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|unchecked MSR'
echo end of work
reboot -f
END

count=$(set -- $engines; echo $#)
steps=$((3 * count))
sed -i "s/STEPS/$steps/" "$work/job"
chmod +x "$work/job"
PYTHONPATH=$root/harness /usr/bin/python3 - "$work/job" "$work/job.cpio" <<'END' || exit 1
import sys
from cpio import Archive
archive = Archive()
archive.copy("bin/job", sys.argv[1])
archive.write(sys.argv[2])
END

# On the emulated host. Each run's output is a file of its own, the steps are counted in all of them.
cat >"$work/drive" <<END
engines='$engines' flavour='$flavour'
END
cat >>"$work/drive" <<'END'
cat /guest/initrd /root/job.cpio >/tmp/initrd
start() {
  ring1 run "$@" --timeout 200 </dev/null >/tmp/out.$leg 2>/tmp/err.$leg &
  pid=$!
}
boot="--kernel /guest/$flavour/vmlinux --initrd /tmp/initrd --mem 96M"
append='console=ttyS0 quiet panic=-1 mitigations=off rdinit=/bin/job'
run() { start --engine $1 $boot --append "$append" $2; }
# reached STEP: waits until the guest has printed that one.
reached() {
  while ! grep -q "^step $1 " /tmp/out.*; do
    kill -0 $pid 2>/dev/null || { echo "BAD: the guest ended before step $1"; cat /tmp/err.$leg; return 1; }
    usleep 100000
  done
}
leg=0 left=0 file=
: >/tmp/out.0
for engine in $engines; do
  if [ $leg = 0 ]; then
    run $engine "--cpu-for $(echo $engines | tr ' ' ',')"
  else
    start --engine $engine --restore $file
  fi
  last=$file
  left=$((left + 1))
  if [ $left -lt $(set -- $engines; echo $#) ]; then
    reached $((3 * left - 1)) || exit 1
    file=/tmp/saved.$left
    ring1 save --verify $pid $file || { echo "BAD: not saved from $engine"; cat /tmp/err.$leg; exit 1; }
  fi
  wait $pid || { echo "BAD: the run on $engine ended with $?"; cat /tmp/err.$leg; }
  echo "== $engine: $(grep -c ^step /tmp/out.$leg) steps" >&2
  [ ! -s /tmp/err.$leg ] || cat /tmp/err.$leg >&2
  [ -z "$last" ] || rm $last
  leg=$((leg + 1))
done
i=0
while [ $i -lt $leg ]; do cat /tmp/out.$i; i=$((i + 1)); done | tr -d '\r' >/tmp/moved
cat /tmp/moved
dmesg | grep -E 'BUG|WARNING|Oops|Call Trace'
true
END

files=(--file "$work/job.cpio:root/job.cpio" --file "$work/drive:root/drive")
say "the guest $flavour goes $engines"
TIMEOUT=${TIMEOUT:-240} host 'sh /root/drive' CPU=${CPU:-EPYC,+svm} || fail "the host ended with $?"
grep -E '^==|KiB' "$work/err" "$work/out" | sed 's/^[^:]*:/    /'
moved_in=$seconds
grep -vE 'KiB while' "$work/out" >"$work/moved"

say "the same guest on the emulator itself"
cat >"$work/undisturbed" <<'END'
END
BARE=1 GUEST=$flavour INITRD=$work/job.cpio APPEND='rdinit=/bin/job' CMD=true TIMEOUT=120 /usr/bin/python3 "$root/harness/run.py" \
  >"$work/bare" 2>"$work/err" </dev/null
finish
