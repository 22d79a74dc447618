#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The interface and a guest, on bt and svm, on the host kernel that checks itself (make checked-kernel): KASAN, UBSAN,
# lockdep, RCU, sleeping in atomic, leaks. It runs where it is asked for, as it takes minutes:
#   HOST_KERNEL=checked bash tests/system/checked.sh
. "$(dirname "$0")/lib.sh"

[ "${HOST_KERNEL:-}" = checked ] || [ -n "${RING1_MATRIX:-}" ] || skip "neither HOST_KERNEL=checked nor RING1_MATRIX asks for it"
[ -e "${RING1_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ring1}/kernel/host-checked/made_of" ] || skip "no such kernel: make checked-kernel"
bash "$root/scripts/build-module.sh" "$RING1_BUILD" checked || { fail "no module"; finish; }

complaints='BUG|WARNING|Oops|UBSAN|general protection|unable to handle|Call Trace|panicked'

# Lockdep looks no further after its first complaint, and none may be hidden by one that is not ours. What is younger than
# five seconds does not count as leaked yet.
cat >"$work/drive" <<'END'
leaks() { sleep 6; echo scan >/sys/kernel/debug/kmemleak; sleep 6; echo scan >/sys/kernel/debug/kmemleak; cat /sys/kernel/debug/kmemleak; }
uname -r
ls -d /sys/kernel/debug/kmemleak /sys/kernel/debug/failslab /sys/kernel/debug/fail_page_alloc
for kind in failslab fail_page_alloc; do echo N >/sys/kernel/debug/$kind/ignore-gfp-wait; echo 0 >/sys/kernel/debug/$kind/verbose; done
echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem; echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
echo scan >/sys/kernel/debug/kmemleak; echo clear >/sys/kernel/debug/kmemleak
export STRIDE=17
for pair in bt:0x72310100 svm:0x72310101; do
  /root/ioctl_test --machine-type ${pair#*:}; echo "interface ${pair%:*} $?"
  ring1 run --engine ${pair%:*} --kernel /root/tables --mem 32M --isa-debug-exit </dev/null >/tmp/tables 2>&1
  grep -q '^PASS' /tmp/tables && ! grep -q '^FAIL' /tmp/tables && echo "guest ${pair%:*} passed"
done
leaks
rmmod ring1 && echo unloaded
leaks
grep -E '^ *debug_locks:' /proc/lockdep_stats
dmesg
echo end
END
files=(--file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test" --file "$RING1_BUILD/guests/tables:root/tables"
  --file "$work/drive:root/drive")
host 'sh /root/drive' HOST_KERNEL=checked CPU=EPYC,+svm SMP=2 TIMEOUT="${TIMEOUT:-1800}" || fail "the host ended with $?"
[ -z "${RING1_CHECKED_LOG:-}" ] || cp "$work/out" "$RING1_CHECKED_LOG"
grep -q -- '-checked$' "$work/out" || fail "the host is $(head -n 1 "$work/out")"
[ "$(grep -cE '^/sys/kernel/debug/(kmemleak|failslab|fail_page_alloc)$' "$work/out")" = 3 ] || fail "the kernel lacks a check"
for engine in bt svm; do
  grep -q "^interface $engine 0$" "$work/out" || fail "the interface, $engine: $(grep -B 5 '^FAIL' "$work/out")"
  grep -q "^guest $engine passed$" "$work/out" || fail "the guest, $engine"
done
grep -q '^unloaded$' "$work/out" || fail "the module does not unload"
grep -qE '^ *debug_locks: +1$' "$work/out" || fail "lockdep has given up"
grep -q '^unreferenced object' "$work/out" && fail "leaks: $(grep -A 16 '^unreferenced object' "$work/out")"
grep -qE "$complaints" "$work/out" && fail "complaints: $(grep -E -B 2 -A 60 "$complaints" "$work/out" | head -n 300)"
grep -q '^end$' "$work/out" || fail "the host did not get to the end"
say "$seconds s"
finish
