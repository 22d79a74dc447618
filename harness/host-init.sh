#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# /init of the emulated host: runs /harness/job, whose output leaves through the second serial port in frames, or,
# where there is a file /harness/terminal, on the console for a person to use.
export PATH=/bin HOME=/root TERM=linux
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm /tmp
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t debugfs debugfs /sys/kernel/debug
ip link set lo up 2>/dev/null
cd /root
nonce=$(cat /harness/nonce)
while read -r module parameters; do
  insmod "/harness/modules.d/$module" $parameters || echo "harness: insmod $module failed" >&2
done </harness/modules
if [ -e /harness/terminal ]; then
  stty -F /dev/ttyS0 $(cat /harness/terminal)
  setsid cttyhack sh /harness/job </dev/ttyS0 >/dev/ttyS0 2>&1
  [ ! -e /tmp/stats.json ] || agent /dev/ttyS1 "$nonce" sh -c 'cat /tmp/stats.json >&3'
else
  agent /dev/ttyS1 "$nonce" sh /harness/job
fi
sync
# Bochs writes a port's file late.
! grep -q 'ring1_slow_end' /proc/cmdline || sleep 1
echo o >/proc/sysrq-trigger
reboot -f
