#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Static busyboxes: busybox/amd64 for the host's initramfs, busybox/i386 for the guest's.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

for architecture in amd64 i386; do
  stamped "busybox-$architecture" && continue
  own_apt_lists
  work=$cache/deb/busybox-$architecture
  unpack_deb "busybox-static:$architecture" "$work"
  mkdir -p "$cache/busybox"
  mv -f "$work/bin/busybox" "$cache/busybox/$architecture"
  rm -rf "$work"
  stamp "busybox-$architecture"
done
