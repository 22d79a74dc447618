#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""calls.py BUILD: what order.py says of includes, of the module's objects: what one of them takes from another stands in its own
room or on a lower floor. The objects are those of the module in BUILD/module/ that was built last. Prints `OBJECT: what is wrong`, and exits
with 1 if there was anything, with 77 if no module is built. --self-test plants a call that is wrong."""
import pathlib
import subprocess
import sys

from order import ROOT, may_know, room_of

# An object in the module's directory that is not made of a source there.
POLICIES = "sched_core.o"


def objects(build):
    """Each object's path and name, and the room of its source. Nothing: no module is built."""
    modules = sorted(build.glob("module/*/ring1.ko"), key=lambda module: module.stat().st_mtime)
    for path in sorted(modules[-1].parent.rglob("*.o")) if modules else []:
        name = path.relative_to(modules[-1].parent)
        if name.as_posix() == POLICIES:
            yield path, POLICIES, "sched"
        elif any((ROOT / "hostdriver" / name).with_suffix(suffix).exists() for suffix in (".c", ".S")):
            yield path, name.as_posix(), room_of(f"hostdriver/{name}")


def symbols(paths):
    """Of each object what it gives to others and what it takes from them."""
    found = {path: (set(), set()) for path in paths}
    for line in subprocess.run(["nm", "-gA", *paths], check=True, capture_output=True, text=True).stdout.splitlines():
        path, row = line.split(":", 1)
        kind, symbol = row.split()[-2:]
        found[pathlib.Path(path)][kind == "U"].add(symbol)
    return found


def complaints(tables):
    """`tables`: of each object its room, what it gives and what it takes. What no object gives is the kernel's."""
    home = {symbol: room for room, given, _ in tables.values() for symbol in given}
    for name, (room, _, taken) in tables.items():
        for symbol in sorted(taken & home.keys()):
            if not may_know(room, home[symbol]):
                yield f"{name}: {room} may not call {home[symbol]} ({symbol})"


def main():
    build = next((pathlib.Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")), ROOT / "build")
    parts = list(objects(build))
    if not parts:
        print(f"no module is built in {build}")
        return 77
    found = symbols([path for path, _, _ in parts])
    tables = {name: (room, *found[path]) for path, name, room in parts}
    if "--self-test" in sys.argv:
        tables["world/switch.o"][2].add("ring1_vcpu_run")
        tables["interrupt/irq.o"][2].add("ring1_set_memory_region")
        wrong = list(complaints(tables))
        print("\n".join(wrong))
        return 0 if len(wrong) == 2 else 1
    wrong = list(complaints(tables))
    print("\n".join(wrong + [f"{len(tables)} objects, {len(wrong)} complaints"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
