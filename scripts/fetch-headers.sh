#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fetch-headers.sh [FLAVOUR...]: headers of exactly the host kernels that fetch-kernels.sh brought, in headers/ of the cache;
# the module is built with make -C headers/FLAVOUR. Of a further flavour without a kernel: the newest.
set -euo pipefail
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/apt.sh"

root=$cache/headers/root

# The release whose headers are wanted: 6.1.0-50-cloud-amd64, 6.12.117+deb12-rt-amd64.
release_of() {
  local release=$cache/kernel/host-$1/release package
  if [ -e "$release" ]; then
    cat "$release"
  else
    package=$(package_behind "$(metapackage headers "$1")")
    [ -n "$package" ] || die "Debian's archive names no headers of the $1 kernel" "rm $cache/stamp/$lists_stamp and try again"
    echo "${package#linux-headers-}"
  fi
}

# What flavours of one version share: fetch_common ABI [-rt]
fetch_common() {
  local kbuild=linux-kbuild-$1
  case $1 in 6.1.*) kbuild=linux-kbuild-6.1 ;; esac
  stamped "headers-common-$1$2" || unpack_deb "linux-headers-$1-common$2" "$root"
  [ -d "$root/usr/lib/$kbuild" ] || unpack_deb "$kbuild" "$root"
  stamp "headers-common-$1$2"
}

for flavour in $host_flavours "$@"; do
  stamped "headers-$flavour" && continue
  use_archive "$(archive_of "$flavour")"
  own_apt_lists
  release=$(release_of "$flavour")
  abi=${release%-amd64}
  abi=${abi%-cloud}
  unpack_deb "linux-headers-$release" "$root"
  case $flavour in
    rt*) fetch_common "${abi%-rt}" -rt ;;
    *) fetch_common "$abi" '' ;;
  esac
  # Debian's Makefile names the common headers by their absolute path.
  sed -i "s,^include /usr/src/,include $root/usr/src/," "$root/usr/src/linux-headers-$release/Makefile"
  ln -sfn "root/usr/src/linux-headers-$release" "$cache/headers/$flavour"
  stamp "headers-$flavour"
done
