#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What programs do all day, and what they hardly ever do: the guest must say the same as one straight on the emulator.
# ITEMS='segments traps' runs only these items of the work list; WORKLIST_RUNS is how many programs are executed.
. "$(dirname "$0")/lib.sh"

# Items that are known to differ on ring1, and why. They are shown, and are no failure. None are known today.
known=

# The program is an archive of its own in front of the harness's.
PYTHONPATH=$root/harness /usr/bin/python3 - "$RING1_BUILD/guests/worklist/worklist" "$work/program.cpio" <<'END' || exit 1
import sys
from cpio import Archive
archive = Archive()
archive.copy("bin/worklist", sys.argv[1])
archive.write(sys.argv[2])
END

command="TIMES=1 RUNS=${WORKLIST_RUNS:-160} worklist $ITEMS; echo status \$?"
[ -n "$ITEMS" ] || command="$command
echo == checksum
dd if=/dev/zero bs=1M count=64 2>/dev/null | sha256sum
echo == gzip
seq 1 200000 >/tmp/numbers
gzip -c /tmp/numbers >/tmp/packed
gunzip -c /tmp/packed | cmp - /tmp/numbers && sha256sum </tmp/packed
cat /proc/uptime >&2
echo == log
dmesg | grep -E 'BUG|WARNING|Oops|Call Trace'"
command="$command
true"

# split FILE DIRECTORY: each item's lines in a file of its own.
split() {
  mkdir -p "$2"
  awk -v to="$2" '/^== / { name = $2; next } { print >(to "/" (name == "" ? "start" : name)) }' "$1"
}

# compare GUEST
compare() {
  local bad=0 item
  rm -rf "$work/bare" "$work/ours"
  say "$1 on the emulator"
  if ! guest "$command" GUEST="$1" INITRD="$work/program.cpio" BARE=1 TIMEOUT=300; then
    fail "$1 did not end well on the emulator"
    return
  fi
  split "$work/out" "$work/bare"
  say "$1 on ring1"
  guest "$command" GUEST="$1" INITRD="$work/program.cpio" TIMEOUT=${TIMEOUT:-600} || bad=1
  grep -E '^[a-z0-9]+: [0-9.]+ s$' "$work/err" | tr '\n' ' '
  echo
  split "$work/out" "$work/ours"
  for item in $(cd "$work" && cat <(ls bare) <(ls ours) | sort -u); do
    if diff -N "$work/bare/$item" "$work/ours/$item" >"$work/diff"; then
      [[ " $known " != *" $item "* ]] || say "$1: $item agrees: it is known no longer"
    elif [[ " $known " = *" $item "* ]]; then
      say "$1: $item differs, which is known"
    else
      say "$1: $item differs, < is the emulator's"
      head -n 20 "$work/diff"
      bad=1
    fi
  done
  if [ "$bad" = 1 ]; then fail "$1"; else say "$1: $(wc -l <"$work/out") lines, $seconds s"; fi
}

for flavour in ${FLAVOURS:-686-pae 686}; do compare "$flavour"; done
finish
