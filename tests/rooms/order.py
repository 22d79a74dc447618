#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""order.py: which room may include which. A room is a directory with what lies below it, or a file that stands for itself; the
most exact entry counts. A file includes headers of its own room and of rooms on lower floors; rooms of one floor do not know
each other. Prints `FILE: what is wrong`, and exits with 1 if there was anything. --self-test plants an include that is wrong."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The lowest floor first.
FLOORS = [
    ["include"],
    ["base", "freestanding"],
    ["x86"],
    ["paging"],
    ["emulator", "translator", "vtimer", "sched"],
    ["tcache", "shadowmmu", "hwaccel", "irqchip", "sched/sim"],
    ["monitor/world"],
    ["monitor/board"],
    ["monitor/vcpu"],
    ["monitor/bt", "monitor/hardware"],
    ["monitor/svm", "monitor/vmx"],
    ["monitor"],
    ["hostdriver/compat.h"],
    ["hostdriver/engine"],
    ["hostdriver/world"],
    ["hostdriver/vm"],
    ["hostdriver/time"],
    ["hostdriver/command", "hostdriver/sched"],
    ["hostdriver/memory", "hostdriver/interrupt"],
    ["hostdriver/run"],
    ["hostdriver/life"],
    ["hostdriver/watch"],
    ["hostdriver/kvm"],
    ["hostdriver"],
    ["vmm"],
    ["vmm/memory", "vmm/sched"],
    ["vmm/boot"],
    ["vmm/options.h"],
    ["vmm/options.cpp", "vmm/control"],
    ["vmm/firmware/tables.h"],
    ["vmm/kvm"],
    ["vmm/state", "vmm/inspect"],
    ["vmm/devices"],
    ["vmm/firmware"],
    ["vmm/run"],
    ["vmm/main.cpp"],
]
# Linux's world and the monitor's have include/ in common, and do not know each other on any floor.
WORLDS = {"hostdriver", "monitor"}
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
SOURCES = (".c", ".h", ".cpp", ".S")
INCLUDE = re.compile(r'^#\s*include\s+"([^"]+)"', re.M)


def room_of(path):
    parts = path.split("/")
    for length in range(len(parts), 0, -1):
        if "/".join(parts[:length]) in LEVEL:
            return "/".join(parts[:length])
    return None


def may_know(room, other):
    apart = {room.split("/")[0], other.split("/")[0]} == WORLDS
    return room == other or LEVEL[other] < LEVEL[room] and not apart


def target(path, include, files):
    """The file that `#include "..."` in `path` means, as the compiler's search has it, or None."""
    beside = (pathlib.PurePath(path).parent / include).as_posix()
    parts = []
    for part in beside.split("/"):
        parts = parts[:-1] if part == ".." else parts + [part]
    return next((found for found in ("/".join(parts), include, "include/" + include) if found in files), None)


def complaints(texts):
    for path, text in sorted(texts.items()):
        room = room_of(path)
        if room is None:
            yield f"{path}: it lies in no room of {pathlib.Path(__file__).name}"
            continue
        for include in INCLUDE.findall(text):
            found = target(path, include, texts)
            other = found and room_of(found)
            if found is None:
                yield f"{path}: there is no {include}"
            elif not may_know(room, other):
                yield f"{path}: {room} may not know {other} ({include})"


def main():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    names = listed.stdout.split() or [p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*")]
    product = {room.split("/")[0] for room in LEVEL}
    texts = {name: (ROOT / name).read_text() for name in names
             if name.endswith(SOURCES) and name.split("/")[0] in product and (ROOT / name).is_file()}
    if "--self-test" in sys.argv:
        texts["base/assert.h"] += '#include "monitor/world/host.h"\n'
        texts["monitor/svm/run.cpp"] += '#include "monitor/vmx/engine.h"\n'
        texts["hostdriver/vm/own.c"] += '#include "hostdriver/run/run.h"\n'
        texts["hostdriver/kvm/system.c"] += '#include "monitor/world/host.h"\n'
        wrong = list(complaints(texts))
        print("\n".join(wrong))
        return 0 if len(wrong) == 4 else 1
    wrong = list(complaints(texts))
    print("\n".join(wrong + [f"{len(texts)} files in {len(LEVEL)} rooms, {len(wrong)} complaints"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
