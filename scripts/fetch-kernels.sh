#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fetch-kernels.sh [FLAVOUR...]: host and guest kernels; more flavours of the host's. Each becomes kernel/NAME/ in the cache,
# with NAME host-cloud, host-plain, guest-686-pae, guest-686: bzImage, vmlinux (extracted), release, and the package's tree
# in root/.
set -euo pipefail
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/apt.sh"

# fetch_kernel NAME METAPACKAGE
fetch_kernel() {
  local directory=$cache/kernel/$1 package release
  stamped "kernel-$1" && return
  own_apt_lists
  package=$(package_behind "$2")
  [ -n "$package" ] || die "Debian's archive names no kernel behind $2" "rm $cache/stamp/$lists_stamp and try again"
  rm -rf "$directory"
  unpack_deb "$package" "$directory/root"
  release=${package#linux-image-}
  release=${release%:i386}
  echo "$release" >"$directory/release"
  ln -s "root/boot/vmlinuz-$release" "$directory/bzImage"
  /usr/bin/python3 "$here/extract-vmlinux.py" "$directory/bzImage" "$directory/vmlinux" ||
    die "no vmlinux could be extracted from $directory/bzImage" "are lz4, zstd and python3 installed?"
  case $1 in host-*) depmod -b "$directory/root" "$release" ;; esac
  stamp "kernel-$1"
}

for flavour in $host_flavours "$@"; do
  use_archive "$(archive_of "$flavour")"
  fetch_kernel "host-$flavour" "$(metapackage image "$flavour")"
done
use_archive main
for flavour in $guest_flavours; do
  fetch_kernel "guest-$flavour" "linux-image-$flavour:i386"
done
