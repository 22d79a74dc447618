#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a caller brings along, and what a guest leaves behind, does not harm the host: one boot, each engine that QEMU offers.
. "$(dirname "$0")/lib.sh"

parts="host_segment host_flags host_log thread_processor_time sched_ run_in_memory"

cat >"$work/drive" <<END
parts="$parts"
END
cat >>"$work/drive" <<'END'
insmod /root/flags_probe.ko
for type in 0x72310100 0x72310101; do
  for part in $parts; do /root/ioctl_test --machine-type $type $part; echo "$part $?"; done
done
rmmod flags_probe
stat -c "%n %a %G" /dev/ring1 /dev/kvm
/root/ioctl_test --user 1000:36 run_halt >/dev/null && echo "the group may"
/root/ioctl_test --user 1000:1000 run_halt >/dev/null 2>&1 || echo "others may not"
echo "lines $(dmesg | grep -v flags_probe: | grep -cE "ring1|debugfs")"
endless() { exec ring1 run --engine bt --kernel /root/hostile --append hole >/dev/null 2>&1; }
alive() { n=0; until ring1 ps | grep -qw $1; do n=$((n + 1)); [ $n -lt 300 ] || return 1; sleep 0.1; done; }
for file in log stats sched; do
  endless & guest=$!
  alive $guest
  exec 3<$(ls /sys/kernel/debug/ring1/$guest-*/$file)
  kill -9 $guest; wait $guest
  rmmod ring1 2>/dev/null || echo "$file open: kept"
  exec 3<&-
done
rmmod ring1 && echo unloaded
dmesg | grep flags_probe:
dmesg | grep -E "BUG|WARNING|Oops|Call Trace"
echo end
END
files=(--file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test" --file "$RING1_BUILD/guests/hostile:root/hostile"
  --file "$work/drive:root/drive")
test_module flags_probe
host 'sh /root/drive' CPU=EPYC,+svm SMP=2 TIMEOUT=200 || fail "the host ended with $?"
for part in $parts; do
  [ "$(grep -c "^$part 0$" "$work/out")" = 2 ] || fail "$part: $(cat "$work/out")"
done
grep -q 'flags_probe: looked, found 0$' "$work/out" || fail "a guest's flags reach the host: $(cat "$work/out")"
for line in '/dev/ring1 660 kvm' '/dev/kvm 660 kvm' 'the group may' 'others may not'; do
  grep -q "^$line\$" "$work/out" || fail "no '$line': $(cat "$work/out")"
done
lines=$(sed -n 's/^lines //p' "$work/out")
[ "${lines:-1000}" -lt 40 ] || fail "$lines lines in the host's log"
[ "$(grep -cE '^((log|stats|sched) open: kept|unloaded)$' "$work/out")" = 4 ] || fail "a file of debugfs and rmmod: $(cat "$work/out")"
grep -E 'BUG|WARNING|Oops|Call Trace|SKIP' "$work/out" && fail "complaints in the host's log, or tests left out"
grep -q '^end$' "$work/out" || fail "the host did not get to the end"
finish
