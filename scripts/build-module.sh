#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# build-module.sh BUILD FLAVOUR...: builds ring1.ko for these host kernels in BUILD/module/FLAVOUR, through a farm
# of links so that kbuild leaves the source tree clean. hostdriver/Kbuild gets RING1_ROOT, the source tree, and
# RING1_MONITOR, the monitor's ELF file that it embeds, and RING1_SCHED, the scheduling policies that are linked to it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
source_tree=$(dirname "$here")
build=$(cd "$1" && pwd)
shift
monitor=${RING1_MONITOR:-$build/monitor/monitor.elf}
[ -f "$source_tree/hostdriver/Kbuild" ] || die "hostdriver/Kbuild is missing" "is the clone complete?"
sched=$build/sched/sched_core.o
[ -f "$monitor" ] && [ -f "$sched" ] || die "there is no monitor $monitor or no $sched" "run: make"

for flavour in "$@"; do
  headers=$cache/headers/$flavour
  [ -d "$headers" ] || die "no headers of the $flavour host kernel" "run: make $([ "$flavour" = checked ] && echo checked-kernel || echo setup)"
  farm=$build/module/$flavour
  mkdir -p "$farm"
  find "$farm" -xtype l -delete
  (cd "$source_tree/hostdriver" && find . -type d -print0 | (cd "$farm" && xargs -0 mkdir -p))
  (cd "$source_tree/hostdriver" && find . -type f -print0 |
    while IFS= read -r -d '' file; do
      [ -L "$farm/$file" ] || ln -s "$source_tree/hostdriver/$file" "$farm/$file"
    done)
  if [ "$farm/ring1.ko" -nt "$monitor" ] && [ "$farm/ring1.ko" -nt "$sched" ] && [ "$farm/ring1.ko" -nt "$headers/.config" ] &&
      [ -z "$(find "$source_tree/hostdriver" "$source_tree/include" "$source_tree/sched" -newer "$farm/ring1.ko" -print -quit)" ]; then
    continue
  fi
  say "building ring1.ko for the $flavour kernel"
  log=$farm/build.log
  if ! make -j "$(nproc)" -C "$headers" M="$farm" RING1_ROOT="$source_tree" RING1_MONITOR="$monitor" RING1_SCHED="$sched" \
      CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$log" 2>&1; then
    cat "$log" >&2
    die "ring1.ko could not be built for $(readlink "$headers")" "see the compiler's message above"
  fi
  # There is no BTF, which wants pahole; everything else that the compiler says matters.
  grep -E 'warning|WARNING' "$log" >&2 || true
done
