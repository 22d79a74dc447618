#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Output, status, time-out and death of a guest arrive as they are.
cd "$(dirname "$0")" || exit 1
failed=0

# expect STATUS OUTPUT ENVIRONMENT...
expect() {
  local status=$1 output=$2 got got_status
  shift 2
  got=$(env BARE=1 "$@" /usr/bin/python3 run.py 2>/tmp/bare_test.$$; echo "status $?")
  got_status=${got##*status }
  got=${got%status *}
  if [ "$got_status" != "$status" ] || [ "$got" != "$output" ]; then
    printf 'with %s: status %s, expected %s; output <%s>, expected <%s>\n' "$*" "$got_status" "$status" "$got" "$output"
    cat /tmp/bare_test.$$
    failed=1
  fi
  rm -f /tmp/bare_test.$$
}

expect 3 $'a  b\n\'$x\'' CMD=$'echo "a  b"; echo hidden >&2; printf %s "\'\\$x\'"; exit 3'
expect 0 "$(seq 1 20000; echo end)"$'\n' GUEST=686 CMD='seq 1 20000; echo end'
expect 143 '' CMD='kill -TERM $$; sleep 5'
expect 124 $'begun\n' TIMEOUT=20 CMD='echo begun; sleep 1000'
expect 125 '' CMD='echo c >/proc/sysrq-trigger; sleep 5'
exit $failed
