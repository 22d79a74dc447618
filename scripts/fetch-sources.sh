#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The sources of Zydis and asmjit (built freestanding into the monitor) and the headers of Zycore.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

stamped sources && exit 0
own_apt_lists
for package in zydis asmjit; do
  say "fetching the source of $package"
  work=$(mktemp -d "$cache/deb/XXXXXX")
  (cd "$work" && quietly own_apt get source --download-only "$package") || {
    rm -rf "$work" "$cache/stamp/apt-lists"
    die "the source package $package could not be downloaded" "try again: the lists are fetched anew; or set RING1_MIRROR"
  }
  rm -rf "$cache/src/$package"
  mkdir -p "$cache/src"
  quietly dpkg-source --no-check -x "$work"/*.dsc "$cache/src/$package" ||
    die "the source package $package could not be unpacked" "see the message above; is dpkg-dev installed?"
  rm -rf "$work" "$cache"/src/*.orig.tar.*
done
rm -rf "$cache/src/zycore"
unpack_deb libzycore-dev "$cache/src/zycore"
stamp sources
