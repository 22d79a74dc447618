#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs the Debian packages of the named groups (default: base) that are missing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

declare -A group=(
  # libelf1 is what objtool of Debian's linux-kbuild runs on, kmod supplies depmod.
  [base]='build-essential cmake ninja-build gcc-multilib g++-multilib libelf1 kmod python3 xz-utils lz4 zstd
          qemu-system-x86 libzydis-dev libasmjit-dev libspdlog-dev libcli11-dev libgtest-dev nlohmann-json3-dev'
  [bochs]='bochs bochsbios vgabios bochs-term isolinux syslinux-common xorriso'
  [format]='clang-format'
  [kernel]='bc bison flex libelf-dev'
  [study]='python3-matplotlib'
)

wanted=
for name in "${@:-base}"; do
  [ -n "${group[$name]-}" ] || die "no group of packages is called '$name'" "choose from: ${!group[*]}"
  wanted+=" ${group[$name]}"
done

missing=
for package in $wanted; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=" $package"
done
[ -n "$missing" ] || exit 0

[ "$(id -u)" = 0 ] || die "Debian packages are missing:$missing" "run as root: apt-get install$missing"
say "installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 $missing; }
# The package lists may be absent or stale; only then are they updated.
if ! install >/dev/null 2>&1 </dev/null; then
  say "updating the package lists"
  quietly apt-get update || say "apt-get update reported an error; going on with what it has"
  quietly install </dev/null ||
    die "apt-get could not install:$missing" "see its message above; check /etc/apt/sources.list and the network"
fi
