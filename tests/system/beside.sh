#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# KVM's module is inserted after ours, twice: it gets the name /dev/kvm, both work, and the host's log stays clean.
. "$(dirname "$0")/lib.sh"

files=(--file "$RING1_BUILD/guests/tables:root/tables")
modules=$(PYTHONPATH=$root/harness /usr/bin/python3 -c 'import settings; print(*settings.host_modules("cloud", ["kvm-amd"]))') ||
  fail "no modules of the host's kernel"
for module in $modules; do files+=(--file "$module"); done

# Whoever owns the name is in use while it is open.
cat >"$work/drive" <<'END'
cd /root
owner() {
  (exec 3</dev/kvm; [ "$(cat /sys/module/ring1/refcnt)" = 1 ] && echo ours || echo "kvm's")
}
tables() { ring1 run --device $1 --kernel tables </dev/null --isa-debug-exit 2>&1 | sed -n "s|.* passed, 0 failed.*|$1 passes|p"; }
insmod irqbypass.ko && insmod kvm.ko
echo "name $(owner)"
for round in 1 2; do
  insmod kvm-amd.ko 2>&1 && echo inserted
  echo "name $(owner)"
  tables /dev/ring1
  tables /dev/kvm
  rmmod kvm-amd && echo removed
  echo "name $(owner)"
done
rmmod ring1 && echo unloaded
[ -e /dev/kvm ] || echo nobody has the name
dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|list_add'
true
END
files+=(--file "$work/drive:root/drive")

say "a processor with AMD-V"
host 'sh /root/drive' CPU=EPYC,+svm ICOUNT=250 || fail "the host ended with $?"
cat >"$work/expected" <<'END'
name ours
inserted
name kvm's
/dev/ring1 passes
/dev/kvm passes
removed
name ours
inserted
name kvm's
/dev/ring1 passes
/dev/kvm passes
removed
name ours
unloaded
nobody has the name
END
diff "$work/expected" "$work/out" || fail "KVM beside us"
finish
