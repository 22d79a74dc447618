#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A running Debian guest goes from engine to engine in the middle of its work: it must print exactly what it prints where
# nothing disturbs it. Each time it is saved, the file is compared with the guest's memory, so a page that the dirty log
# misses is found as well.
#   ENGINES='bt svm bt'  the way it goes; the first and the last may be the same
#   FLAVOUR=686          the guest
#   STEPS=               of the work; more where a guest is fast and saving it slow
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
  usleep 30000
  now=$(cut -d' ' -f1 /proc/uptime | tr -d .)
  [ $now -ge ${before:-0} ] && time=on || time=back
  before=$now
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

sed -i "s/STEPS/${STEPS:-$((2 * $(wc -w <<<"$engines") + 10))}/" "$work/job"
chmod +x "$work/job"
PYTHONPATH=$root/harness /usr/bin/python3 - "$work/job" "$work/job.cpio" <<'END' || exit 1
import sys
from cpio import Archive
archive = Archive()
archive.copy("bin/job", sys.argv[1])
archive.write(sys.argv[2])
END

# On the emulated host: the guest's ways, each leg's output in a file of its own, and once more undisturbed.
echo "engines='$engines' flavour='$flavour' legs=$(wc -w <<<"$engines")" >"$work/drive"
cat >>"$work/drive" <<'END'
cat /guest/initrd /root/job.cpio >/tmp/initrd
append='console=ttyS0 quiet panic=-1 mitigations=off rdinit=/bin/job'
run() { exec ring1 run --timeout 600 "$@" </dev/null >/tmp/out.$leg 2>/tmp/err.$leg; }
boot() { run --kernel /guest/$flavour/vmlinux --initrd /tmp/initrd --mem 96M --append "$append" "$@"; }
bad() {
  echo "BAD: $*"
  cat /tmp/err.$leg
  exit 1
}
# What the guest says without what kernels say.
said() { cat "$@" | tr -d '\r' | grep -v '^\['; }

leg=0 file=
for engine in $engines; do
  leg=$((leg + 1))
  if [ -z "$file" ]; then
    boot --engine $engine --cpu-for $(echo $engines | tr ' ' ,) & pid=$!
  else
    run --engine $engine --restore $file & pid=$!
  fi
  saved=$file file=/tmp/saved.$leg
  if [ $leg -lt $legs ]; then
    while ! grep -q "^step $((2 * leg)) " /tmp/out.$leg 2>/dev/null; do
      kill -0 $pid 2>/dev/null || bad "the guest ended on $engine"
      usleep 100000
    done
    ring1 save --verify $pid $file >&2 || bad "not saved on $engine"
  else
    # A snapshot, which the guest must not notice.
    while ! grep -q "^step" /tmp/out.$leg; do
      kill -0 $pid 2>/dev/null || bad "the guest ended on $engine"
      usleep 100000
    done
    ring1 save --keep --verify $pid /tmp/kept >&2 || bad "no snapshot on $engine"
    ring1 run --restore /tmp/kept --kernel x >/dev/null 2>&1 && bad "--restore with --kernel"
    rm /tmp/kept
  fi
  wait $pid || bad "the run on $engine ended with $?"
  rm -f $saved
  echo "leg $leg, $engine: steps $(grep -c ^step /tmp/out.$leg)" >&2
  cat /tmp/err.$leg >&2
done
# As one text: a guest may be saved in the middle of a line.
i=0
while [ $((i += 1)) -le $leg ]; do cat /tmp/out.$i; done >/tmp/outs
said /tmp/outs >/tmp/moved
leg=undisturbed
boot & wait $! || bad "the undisturbed run ended with $?"
said /tmp/out.$leg >/tmp/undisturbed
cat /tmp/moved
diff /tmp/undisturbed /tmp/moved || bad "the guest says something else, < is undisturbed"
dmesg | grep -E 'BUG|WARNING|Oops|Call Trace'
true
END

files=(--file "$work/job.cpio:root/job.cpio" --file "$work/drive:root/drive")
say "the guest $flavour goes $engines"
TIMEOUT=${TIMEOUT:-800} host 'sh /root/drive' CPU=${CPU:-EPYC,+svm} ICOUNT=${ICOUNT:-250} || fail "the host ended with $?: $(tail -n 20 "$work/out")"
grep -E '^leg|KiB' "$work/err" | sed 's/^/    /'
grep -q '^ticks right' "$work/out" && grep -q '^end of work' "$work/out" || fail "the work was not done: $(cat "$work/out")"
say "$seconds s"
finish
