#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# setup.sh [FLAVOUR...]: brings everything that building and running needs: packages, library sources, kernels, headers,
# busybox; also these further flavours of the host's kernel.
# Finished steps are skipped, so that it costs a moment when nothing is missing.
set -euo pipefail
here=$(dirname "$0")
. "$here/lib.sh"

. /etc/os-release
[ "${VERSION_CODENAME-}" = $suite ] || say "this system is ${PRETTY_NAME-unknown}; only Debian 12 has been tried"
[ "$(uname -m)" = x86_64 ] || die "this machine is $(uname -m)" "ring1 needs an x86-64 Linux"

mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { say "waiting for another set-up to finish"; flock 9; }
bash "$here/packages.sh" base
for step in sources kernels headers busybox; do
  bash "$here/fetch-$step.sh" "$@"
done
