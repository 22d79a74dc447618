#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Allocations that fail, one after the other, at every place in module and monitor: ioctl_test's no_memory_*, and what they leave.
# NO_MEMORY_STRIDE=1: really each; otherwise each 41st of a machine's many.
. "$(dirname "$0")/lib.sh"

# In KiB, with the pages that the processor keeps for itself. The first round fills Linux' own caches.
cat >"$work/drive" <<'END'
insmod /root/no_memory.ko
free() {
  sync
  echo 3 >/proc/sys/vm/drop_caches
  sleep 1
  awk '/^MemFree:/ { sum += $2 } $1 == "count:" { sum += 4 * $2 } END { print sum }' /proc/meminfo /proc/zoneinfo
}
for type in $types; do
  STRIDE=20 /root/ioctl_test --machine-type $type no_memory >/dev/null
  before=$(free)
  /root/ioctl_test --machine-type $type no_memory; echo "no_memory $type $?"
  after=$(free)
  echo "free $before -> $after KiB"
  [ $after -ge $((before - 1024)) ] && echo "nothing lost $type"
  ring1 run --kernel /root/tables --mem 32M --isa-debug-exit </dev/null 2>&1 | grep -q "^PASS" && echo "guest $type"
done
rmmod no_memory
rmmod ring1 && echo unloaded
# Not "Call Trace": that is how vmalloc says that there is no memory.
dmesg | grep -E "BUG:|WARNING|Oops|panicked"
echo end
END
files=(--file "$RING1_BUILD/tests/ioctl/ioctl_test:root/ioctl_test" --file "$RING1_BUILD/guests/tables:root/tables"
  --file "$work/drive:root/drive")
test_module no_memory

# without MACHINE-TYPES [VARIABLE=VALUE...]: the types as in include/ring1/api.h
without() {
  local types=$1 type
  shift
  say "machine types $types $*"
  host "types='$types' STRIDE=${NO_MEMORY_STRIDE:-41} sh /root/drive" "$@" TIMEOUT=${TIMEOUT:-200} || fail "the host ended with $?"
  grep -E '^  a .*allocations|^SKIP' "$work/out"
  for type in $types; do
    for line in "no_memory $type 0" "nothing lost $type" "guest $type"; do
      grep -q "^$line\$" "$work/out" || fail "no '$line': $(grep -vE '^PASS' "$work/out")"
    done
  done
  grep -E 'BUG:|WARNING|Oops|panicked|SKIP' "$work/out" && fail "complaints in the host's log, or tests left out: $(grep -E 'BUG:|WARNING|Oops|panicked|SKIP' "$work/out")"
  grep -q '^unloaded$' "$work/out" || fail "the module does not unload"
  grep -q '^end$' "$work/out" || fail "the host did not get to the end"
}
without '0x72310100'
without '0x72310101 0x72310301' CPU=EPYC,+svm
finish
