#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the checking host kernel, HOST_KERNEL=checked: Debian's source of the version that the other host kernels have,
# configured by harness/checked.config alone. Source and build lie in checked/ of the cache, the kernel in
# kernel/host-checked/ like the others, and headers/checked is the build directory. A finished one is built anew only for
# another version or configuration.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/apt.sh"

fragment=$here/../harness/checked.config
home=$cache/checked
result=$cache/kernel/host-checked
jobs=$(nproc)
# So many files are compiled, roughly.
files=1050

# The version of the package that the booted kernels came in: 6.1.176-1.
version_wanted() {
  local release
  release=$(cat "$cache/kernel/host-cloud/release")
  own_apt cache show "linux-image-$release" | sed -n 's/^Version: //p' | head -n 1
}

fetch_source() {
  local version=$1
  [ "$(cat "$home/version" 2>/dev/null)" = "$version" ] && return
  rm -rf "$home/source" "$home/build" "$home/version" "$home/package"
  unpack_deb "linux-source-6.1=$version" "$home/package"
  say "unpacking it"
  mkdir -p "$home/source"
  tar -C "$home/source" --strip-components=1 -xf "$home/package/usr/src/linux-source-6.1.tar.xz" ||
    die "the kernel's source could not be unpacked into $home/source" "is there room for 3 GiB?"
  rm -rf "$home/package"
  echo "$version" >"$home/version"
}

kernel_make() { env -u MAKEFLAGS make -C "$home/source" O="$home/build" ARCH=x86_64 "$@"; }

# Options that the fragment names and Kconfig does not know, or whose conditions are missing, would be lost without a word.
configure() {
  local lost
  mkdir -p "$home/build"
  cp "$fragment" "$home/fragment"
  quietly kernel_make KCONFIG_ALLCONFIG="$home/fragment" allnoconfig || die "the kernel could not be configured"
  lost=$(grep '^CONFIG_' "$fragment" | grep -vxFf "$home/build/.config" | tr '\n' ' ' || true)
  [ -z "$lost" ] || die "options that this kernel does not take: $lost" "look up their conditions in $home/source"
}

# What the build says goes to build.log; of the files that are compiled every hundredth is told.
build() {
  local log=$home/build.log
  say "compiling about $files files; $log tells more"
  kernel_make -j "$jobs" bzImage modules 2>&1 | tee "$log" | awk -v files=$files '
    /^  (CC|AS)/ { if (++n % 100 == 0) { printf "ring1: %d of about %d files\n", n, files; fflush() } }' >&2 ||
    { tail -n 40 "$log" >&2; die "the checking kernel could not be built" "see $log"; }
}

install_result() {
  local release
  release=$(cat "$home/build/include/config/kernel.release")
  rm -rf "$result"
  mkdir -p "$result/root"
  quietly kernel_make INSTALL_MOD_PATH="$result/root" modules_install || die "the modules could not be installed"
  cp "$home/build/vmlinux" "$home/build/arch/x86/boot/bzImage" "$result"
  echo "$release" >"$result/release"
  ln -sfn ../checked/build "$cache/headers/checked"
}

mkdir -p "$home"
exec 8>"$home/lock"
flock -n 8 || { say "waiting for another build of the checking kernel"; flock 8; }
bash "$here/packages.sh" base kernel
own_apt_lists
version=$(version_wanted)
[ -n "$version" ] || die "Debian's archive does not have the kernel of host-cloud any more" "rm $cache/stamp/kernel-host-* and: make setup"
made_of="$version $(sha256sum <"$fragment")"
[ "$(cat "$result/made_of" 2>/dev/null)" = "$made_of" ] && { say "the checking kernel is there"; exit 0; }
fetch_source "$version"
configure
build
install_result
echo "$made_of" >"$result/made_of"
say "the checking kernel $(cat "$result/release") is there"
