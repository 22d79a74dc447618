#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# /init of the guest: runs /harness/cmd, whose output leaves through the console in frames, or a shell where there
# is no such file.
export PATH=/bin HOME=/root TERM=linux
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /tmp
mount -t tmpfs tmpfs /tmp
cd /root
if [ -e /harness/cmd ]; then
  # Only what ends the guest shall appear among the frames; dmesg still tells everything.
  dmesg -n 1
  agent /dev/console "$(cat /harness/nonce)" sh /harness/cmd
else
  [ ! -e /harness/terminal ] || stty -F /dev/ttyS0 $(cat /harness/terminal)
  echo "This is the guest: $(uname -rm). Leave with 'exit'."
  setsid cttyhack sh
fi
# A restart is what every virtual machine understands; it ends the emulator and the tool.
reboot -f
