#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Engine vmx on the VT-x that Bochs emulates: small guests with EPT and with shadow paging, bt beside it, what `ring1 check`
# says, and kvm-intel in the way. One boot of the host.
. "$(dirname "$0")/lib.sh"

bash "$root/scripts/packages.sh" bochs || skip "the packages of Bochs cannot be installed"

names='tables paging pae vm86 long_mode'
for name in $names; do files+=(--file "$RING1_BUILD/guests/$name:root/$name"); done
files+=(--module kvm-intel)

# Without --isa-debug-exit a guest that is done halts for ever. KVM holds VT-x as long as it has a VM.
host "names='$names'"'
guest() { name=$1; shift; ring1 run "$@" --kernel /root/$name --isa-debug-exit 2>&1; }
passed() { sed -n "s/.* 0 failed/$1: &/p"; }
halted() { exec ring1 run "$@" --kernel /root/tables >/dev/null 2>&1; }
for name in $names; do guest $name --engine vmx | passed "vmx $name"; done
guest paging --engine vmx-shadow | passed "vmx-shadow paging"
guest tables | passed default
halted --device /dev/kvm & other=$!
sleep 2
guest tables --engine vmx
ring1 check | grep ^engine
guest tables | passed meanwhile
kill $other; wait $other
guest tables --engine vmx | passed afterwards
halted --engine vmx & other=$!
sleep 2
guest tables --device /dev/kvm | tail -n 1 | sed "s/^/kvm: /"
kill -0 $other && echo alive
guest tables --engine bt | passed "bt beside vmx"
kill $other; wait $other
dmesg | grep -E "BUG|WARNING|Oops|Call Trace"
rmmod ring1 && echo unloaded' EMULATOR=bochs CPU=corei7_sandy_bridge_2600k || fail "the host ended with $?"

expect() { grep -qE "$1" "$work/out" || fail "$2; the host said: $(cat "$work/out")"; }
for name in $names; do expect "^vmx $name: .* passed, 0 failed" "$name on vmx"; done
for run in 'vmx-shadow paging' default meanwhile afterwards 'bt beside vmx'; do
  expect "^$run: .* passed, 0 failed" "a guest run '$run'"
done
expect '^ring1: engine vmx: another hypervisor .* holds VT-x: end its guests' "no clear refusal"
expect '^engine vmx *no: another hypervisor' "ring1 check does not tell that VT-x is held"
expect '^engine bt *usable, the default' "bt is not the default meanwhile"
expect '^kvm: ring1: .*cannot create a VM' "KVM got VT-x beside us"
expect '^alive$' "our guest died of KVM's attempt"
expect '^unloaded$' "the module does not unload"
grep -E 'BUG|WARNING|Oops|Call Trace' "$work/out" && fail "complaints in the host's log"
say "the host's boot and its guests: $seconds s"
finish
