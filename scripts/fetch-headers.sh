#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Headers of exactly the host kernels that fetch-kernels.sh brought, in headers/ of the cache; the module is built
# with make -C headers/FLAVOUR.
set -euo pipefail
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/apt.sh"

root=$cache/headers/root
for flavour in $host_flavours; do
  stamped "headers-$flavour" && continue
  own_apt_lists
  release=$(cat "$cache/kernel/host-$flavour/release")
  abi=${release%%-cloud*}
  abi=${abi%-amd64}
  unpack_deb "linux-headers-$release" "$root"
  if ! stamped "headers-common-$abi"; then
    unpack_deb "linux-headers-$abi-common" "$root"
    unpack_deb linux-kbuild-6.1 "$root"
    stamp "headers-common-$abi"
  fi
  # Debian's Makefile names the common headers by their absolute path.
  sed -i "s,^include /usr/src/,include $root/usr/src/," "$root/usr/src/linux-headers-$release/Makefile"
  ln -sfn "root/usr/src/linux-headers-$release" "$cache/headers/$flavour"
  stamp "headers-$flavour"
done
