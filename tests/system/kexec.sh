#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The host goes over to another kernel while guests run on svm and on bt. Nothing complains on the way, and the new kernel
# finds AMD-V as the firmware left it: the module takes it, and a guest runs.
. "$(dirname "$0")/lib.sh"

cat >"$work/second" <<'END'
#!/bin/sh
export PATH=/bin
mkdir -p /proc /dev /tmp
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
exec >/dev/ttyS0 2>&1
echo "the second kernel"
insmod /harness/ring1.ko
ring1 run --engine svm --kernel /root/tables --isa-debug-exit | sed -n 's/.* 0 failed/svm: &/p'
ring1 run --engine bt --kernel /root/tables --isa-debug-exit | sed -n 's/.* 0 failed/bt: &/p'
echo o >/proc/sysrq-trigger
sleep 60
END
chmod +x "$work/second"

cat >"$work/drive" <<'END'
for engine in svm bt; do
  ring1 run --engine $engine --kernel /root/hostile --append hole >/dev/null 2>&1 &
  until ring1 ps | grep -qw $!; do usleep 100000; done
done
(cd / && find bin lib lib64 root harness -xdev | grep -v bzImage | cpio -o -H newc >/tmp/initrd 2>/dev/null)
dmesg -n 8
/root/kexec_now /root/bzImage /tmp/initrd "$(cat /proc/cmdline) rdinit=/root/second"
END
cache=${RING1_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ring1}
files=(--file "$cache/kernel/host-cloud/bzImage:root/bzImage" --file "$RING1_BUILD/tests/kexec_now:root/kexec_now"
  --file "$work/second:root/second" --file "$work/drive:root/drive"
  --file "$RING1_BUILD/guests/tables:root/tables" --file "$RING1_BUILD/guests/hostile:root/hostile")

# All is said on the console, and the host does not come back with a status.
host 'sh /root/drive; echo "no kexec: $?"' CPU=EPYC,+svm SMP=2 HOST_KERNEL=cloud && fail "the host is still there: $(cat "$work/out")"
for line in 'kexec_core: Starting new kernel' 'the second kernel' 'svm: .* 0 failed' 'bt: .* 0 failed' 'Power down'; do
  grep -q "$line" "$work/err" || fail "the console does not say '$line'"
done
grep -E 'BUG|WARNING|Oops|Call Trace|panicked' "$work/err" && fail "complaints on the way"
finish
